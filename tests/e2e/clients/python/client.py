"""EKS by boto3: reads a call a line, as JSON, and prints what came of it.

Where EKS is, and whose key signs, it knows from the environment alone, by the SDK.
"""

import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError


def plain(value):
    """What JSON cannot hold: a moment as its seconds since 1970."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    raise TypeError(type(value))


def paged(eks, method, given):
    """All pages as the SDK reads them, in one."""
    pages = list(eks.get_paginator(method).paginate(**given))
    return {"associations": [one for page in pages for one in page["associations"]], "pages": len(pages)}


def answer(eks, line):
    method = xform_name(line["call"])
    try:
        if line.get("paged"):
            return {"output": paged(eks, method, line["input"])}
        output = getattr(eks, method)(**line["input"])
        del output["ResponseMetadata"]
        return {"output": output}
    except ClientError as error:
        said = error.response["Error"]
        return {"error": said["Code"], "class": type(error).__name__, "message": said["Message"]}
    except Exception as error:  # whatever the SDK raises is the result
        return {"error": type(error).__name__, "class": type(error).__name__, "message": str(error)}


def main():
    eks = boto3.client("eks")
    print(json.dumps({"version": boto3.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(eks, json.loads(line)), default=plain), flush=True)


if __name__ == "__main__":
    main()
