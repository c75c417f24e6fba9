"""What comes back in HR's workbook: read however it was saved, checked line by line, taken, and told in a copy."""
