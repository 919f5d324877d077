"""What is trained here, from pictures under CC0 and MIT only; what ships is made by these scripts."""
