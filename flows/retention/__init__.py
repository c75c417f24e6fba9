"""What is kept for how long, and how what is older goes: announced first, deleted later, and never what is needed."""
