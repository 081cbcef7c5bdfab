"""What tests of several parts share: a real embedded server, and its fault switches."""
