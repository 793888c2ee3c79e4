"""The sample service `orders`: an API on one port, an actuator on another, MySQL underneath.

Imports point down: cli → server, migrate → api, actuator, middleware, protocol → store, readiness, metrics,
problems → database, schema, logs → settings. A fork replaces `api`, `store`, `model` and `migrations`; the
rest is what any service needs.
"""
