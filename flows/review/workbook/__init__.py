"""HR's workbook: its sheets, and the export that fills in what has been decided."""
