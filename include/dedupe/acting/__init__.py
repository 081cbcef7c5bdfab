"""Acting: carrying out what is approved and still stands, and taking it back."""
