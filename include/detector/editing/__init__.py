"""What people do to pictures: for the demo, for fitting and measuring, and for calibration."""
