"""The load balancer: real listeners, rules, target groups, health checks, and the elbv2 API over them."""
