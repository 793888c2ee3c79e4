"""When an SSM parameter was deleted, and by whom, as CloudTrail remembers it for 90 days.

CloudTrail's events are the whole account's, so no role of Slipway's may read them; a person often may.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_EVENTS = ("DeleteParameter", "DeleteParameters")
_PAGES = 4  # of fifty events, the newest first; every deploy deletes a parameter too, its lock


def told(cloudtrail: Any, name: str) -> str:
    """`deleted 2026-11-30 12:00 UTC by arn:...`; "" where CloudTrail does not know or may not be read.

    cloudtrail: a client of boto3, for which this project has no type stubs (Any).
    """
    try:
        for event_name in _EVENTS:
            request: dict[str, Any] = {
                "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": event_name}]
            }
            for _ in range(_PAGES):
                answer = cloudtrail.lookup_events(**request)
                for event in answer.get("Events", []):
                    record = json.loads(event["CloudTrailEvent"])
                    asked = record.get("requestParameters") or {}
                    if record.get("errorCode") or name not in (asked.get("name"), *asked.get("names", [])):
                        continue
                    by = (record.get("userIdentity") or {}).get("arn") or event.get("Username", "somebody")
                    return f"deleted {event['EventTime']:%Y-%m-%d %H:%M %Z} by {by}"
                if not answer.get("NextToken"):
                    break
                request["NextToken"] = answer["NextToken"]
    except (BotoCoreError, ClientError, KeyError, ValueError):
        return ""
    return ""
