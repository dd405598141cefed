"""Speed, side by side with a description of the machine; run by hand, never as a timed test."""
