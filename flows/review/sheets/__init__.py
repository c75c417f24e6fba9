"""How the review's workbooks look and are written: formats, columns, and a pen that writes downwards."""
