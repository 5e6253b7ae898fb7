"""Resolves the default credential chain once and prints the access key id, or the error."""

import sys

import botocore.session


def main():
    try:
        credentials = botocore.session.Session().get_credentials()
        if credentials is None:
            print("no credentials")
            return 1
        print(credentials.get_frozen_credentials().access_key)
    except Exception as error:  # whatever the SDK raises is the result
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
