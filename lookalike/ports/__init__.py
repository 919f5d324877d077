"""The seams: what the services ask of engines, networks, stores and runners. Typing protocols, nothing else."""
