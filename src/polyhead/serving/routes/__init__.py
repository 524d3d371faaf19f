"""The routes, a module a family of clients."""
