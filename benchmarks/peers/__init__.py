"""The other sides: what the playground is compared with. Nothing in here is used by the playground."""
