"""The same workload on boto3: finds credentials as the SDK does, asks STS who it is, prints one line.

All that it knows comes from the environment and the files that this names, read by the SDK alone.
"""

import json
import signal
import sys

import boto3
from botocore.exceptions import ClientError, NoCredentialsError

DEADLINE_SECONDS = 20


def identify(line):
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError()
    line["accessKeyIdPrefix"] = credentials.get_frozen_credentials().access_key[:4]
    identity = session.client("sts").get_caller_identity()
    line.update(arn=identity["Arn"], account=identity["Account"])


def classify(error):
    """A code of STS, NoCredentials, or the SDK's own class."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    if isinstance(error, NoCredentialsError):
        return "NoCredentials"
    if isinstance(error, TimeoutError):
        return "Timeout"
    return type(error).__name__


def expire(_signal, _frame):
    raise TimeoutError(f"no answer in {DEADLINE_SECONDS} s")


def main():
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(DEADLINE_SECONDS)
    line = dict.fromkeys(["ok", "sdk", "arn", "account", "accessKeyIdPrefix", "error", "message"])
    line.update(ok=False, sdk="boto3")
    try:
        identify(line)
        line["ok"] = True
    except Exception as error:  # whatever the SDK raises is the result
        line.update(error=classify(error), message=str(error))
    print(json.dumps(line), flush=True)
    return 0 if line["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
