"""What payroll is told of the grades that a month put into force."""
