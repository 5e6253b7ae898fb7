import base64
import json
import os


def claims(path):
    with open(path, encoding="ascii") as file:
        payload = file.read().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


env = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
tokens = {}
for name, value in env.items():
    if name.endswith("_TOKEN_FILE"):
        tokens[name] = {"claims": claims(value), "readOnly": bool(os.statvfs(value).f_flag & os.ST_RDONLY)}
print(json.dumps({"env": env, "tokens": tokens}), flush=True)
