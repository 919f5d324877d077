"""The production stack on one machine: containers by docker-compose.yml, or plain processes made from that same file.

For developers and operators, not part of the package that is installed. It knows the product only by its commands.
"""
