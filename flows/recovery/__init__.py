"""What an installation is brought back from: backups made, examined, and restored."""
