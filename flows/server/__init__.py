"""Prefect for one installation on one machine: its server, its deployments, its worker, started and stopped."""
