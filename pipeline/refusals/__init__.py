"""What AWS refuses about a resource, judged on the resource's properties alone: pure, and without a call.

The pipeline asks before a deploy touches anything, with the values that are known then. The local AWS asks
when it creates or changes a resource, with every value (local_aws/cloudformation/property_refusals.py).
"""
