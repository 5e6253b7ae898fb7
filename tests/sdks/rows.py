"""What a container's environment can hold beside the webhook's two variables: a row of the table each."""

from dataclasses import dataclass, field

from stand_ins import OTHER_SERVICE, PROXY, REGION

# The row's files are in `/pod/`, and the token.
POD_IDENTITY = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod/token",
}
IRSA = {
    "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/injected",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/pod/token",
}
# With the regions that the webhook sets too, if it was told.
BASE = {"HOME": "/pod/home", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
# What the webhook injects under either method, and what every SDK must then find.
EXPECTED = {"Pod Identity": "AGENT", "IRSA": "WEBIDENTITY"}
PAIRS = {"Pod Identity": POD_IDENTITY, "IRSA": IRSA, "neither": {}}
BOTH = ("Pod Identity", "IRSA")


@dataclass
class Row:
    label: str
    # A variable without a value is taken out.
    env: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    methods: tuple = BOTH


def keys(section, key_id):
    return f"[{section}]\naws_access_key_id = {key_id}\naws_secret_access_key = secret\n"


def pod_identity(label, env, files=None):
    return Row(label, env, files or {}, ("Pod Identity",))


def irsa(label, env, files=None):
    return Row(label, env, files or {}, ("IRSA",))


def neither(label, env):
    return Row(label, env, {}, ("neither",))


KEYS = {"AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "secret"}
CONFIG = {"AWS_CONFIG_FILE": "/pod/file"}
CREDENTIALS = {"AWS_SHARED_CREDENTIALS_FILE": "/pod/file"}
NO_REGION = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}
PROFILE_X = {"AWS_PROFILE": "x"}
OTHER_ROLE = "role_arn = arn:aws:iam::111122223333:role/other\n"

ROWS = [
    Row("nothing else"),
    # Keys.
    Row("`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`", KEYS),
    Row("both, empty", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
    Row("both, the secret empty", {"AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": ""}),
    Row("both, and `AWS_PROFILE=x`: no such profile", KEYS | PROFILE_X),
    Row("`AWS_ACCESS_KEY_ID` alone", {"AWS_ACCESS_KEY_ID": "ENVIRONMENT"}),
    Row("`AWS_SECRET_ACCESS_KEY` alone", {"AWS_SECRET_ACCESS_KEY": "secret"}),
    Row("`AWS_ACCESS_KEY` and `AWS_SECRET_KEY` (old names)",
        {"AWS_ACCESS_KEY": "ENVIRONMENT", "AWS_SECRET_KEY": "secret"}),
    # The other method's variables.
    pod_identity("`AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`", IRSA),
    pod_identity("`AWS_ROLE_ARN` alone", {"AWS_ROLE_ARN": IRSA["AWS_ROLE_ARN"]}),
    pod_identity("`AWS_WEB_IDENTITY_TOKEN_FILE` alone", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/pod/token"}),
    pod_identity("`AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`, empty",
                 {"AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": ""}),
    Row("`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`", {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"}),
    Row("`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, empty", {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": ""}),
    pod_identity("`AWS_CONTAINER_AUTHORIZATION_TOKEN` with another token",
                 {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "another-token"}),
    pod_identity("`AWS_CONTAINER_AUTHORIZATION_TOKEN`, empty", {"AWS_CONTAINER_AUTHORIZATION_TOKEN": ""}),
    # Files.
    Row("`AWS_SHARED_CREDENTIALS_FILE`: keys in `[default]`", CREDENTIALS, {"file": keys("default", "FILE")}),
    Row("`AWS_SHARED_CREDENTIALS_FILE=/dev/null`", {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}),
    Row("`AWS_SHARED_CREDENTIALS_FILE`: no such file", CREDENTIALS),
    Row("`AWS_SHARED_CREDENTIALS_FILE`, empty", {"AWS_SHARED_CREDENTIALS_FILE": ""}),
    Row("`$HOME/.aws/credentials`: keys in `[default]`", {}, {"home/.aws/credentials": keys("default", "FILE")}),
    Row("`AWS_CONFIG_FILE`: keys in `[default]`", CONFIG, {"file": keys("default", "FILE")}),
    Row("`AWS_CONFIG_FILE`: only a region", CONFIG, {"file": f"[default]\nregion = {REGION}\n"}),
    Row("`AWS_CONFIG_FILE`: no such file", CONFIG),
    Row("`AWS_CONFIG_FILE`: `role_arn`, `web_identity_token_file` in `[default]`", CONFIG,
        {"file": f"[default]\n{OTHER_ROLE}web_identity_token_file = /pod/token\n"}),
    pod_identity("`AWS_CONFIG_FILE`: `role_arn`, `credential_source = EcsContainer` in `[default]`", CONFIG,
                 {"file": f"[default]\n{OTHER_ROLE}credential_source = EcsContainer\n"}),
    # Profiles.
    Row("`AWS_PROFILE=x`: keys", PROFILE_X | CONFIG, {"file": keys("profile x", "FILE")}),
    Row("`AWS_PROFILE=x`: `role_arn`, `source_profile` with keys", PROFILE_X | CONFIG,
        {"file": f"[profile x]\n{OTHER_ROLE}source_profile = y\n" + keys("profile y", "FILE")}),
    pod_identity("`AWS_PROFILE=x`: `role_arn`, `credential_source = EcsContainer`", PROFILE_X | CONFIG,
                 {"file": f"[profile x]\n{OTHER_ROLE}credential_source = EcsContainer\n"}),
    Row("`AWS_PROFILE=x`: only a region", PROFILE_X | CONFIG, {"file": f"[profile x]\nregion = {REGION}\n"}),
    Row("`AWS_PROFILE=x`: no such profile", PROFILE_X),
    Row("`AWS_PROFILE=default` without files", {"AWS_PROFILE": "default"}),
    Row("`AWS_PROFILE`, empty", {"AWS_PROFILE": ""}),
    Row("`AWS_DEFAULT_PROFILE=x`: keys", {"AWS_DEFAULT_PROFILE": "x"} | CONFIG, {"file": keys("profile x", "FILE")}),
    Row("`AWS_DEFAULT_PROFILE=x`: no such profile", {"AWS_DEFAULT_PROFILE": "x"}),
    # Proxies.
    Row("`HTTP_PROXY`", {"HTTP_PROXY": PROXY}),
    Row("`http_proxy`", {"http_proxy": PROXY}),
    Row("`HTTPS_PROXY`", {"HTTPS_PROXY": PROXY}),
    pod_identity("`HTTP_PROXY`, `NO_PROXY=169.254.170.23`", {"HTTP_PROXY": PROXY, "NO_PROXY": "169.254.170.23"}),
    pod_identity("`HTTP_PROXY`, `NO_PROXY=169.254.0.0/16`", {"HTTP_PROXY": PROXY, "NO_PROXY": "169.254.0.0/16"}),
    pod_identity("`HTTP_PROXY`, `NO_PROXY=169.254.*`", {"HTTP_PROXY": PROXY, "NO_PROXY": "169.254.*"}),
    pod_identity("`HTTP_PROXY`, `NO_PROXY=localhost,127.0.0.1,.svc`",
                 {"HTTP_PROXY": PROXY, "NO_PROXY": "localhost,127.0.0.1,.svc"}),
    pod_identity("`http_proxy`, `no_proxy=169.254.170.23`", {"http_proxy": PROXY, "no_proxy": "169.254.170.23"}),
    # Regions.
    Row("no region", NO_REGION),
    Row("no region, `AWS_EC2_METADATA_DISABLED=true`", NO_REGION | NO_METADATA),
    Row("`AWS_REGION` alone", {"AWS_DEFAULT_REGION": None}),
    Row("`AWS_DEFAULT_REGION` alone", {"AWS_REGION": None}),
    Row("both regions, empty", {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}),
    # Endpoints.
    Row("`AWS_ENDPOINT_URL` of another service", {"AWS_ENDPOINT_URL": OTHER_SERVICE}),
    Row("`AWS_ENDPOINT_URL_S3`", {"AWS_ENDPOINT_URL_S3": OTHER_SERVICE}),
    Row("`AWS_STS_REGIONAL_ENDPOINTS=legacy`", {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}),
    Row("`AWS_CA_BUNDLE`: no such file", {"AWS_CA_BUNDLE": "/pod/none"}),
    # The pair itself.
    pod_identity("the token's file does not exist", {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod/none"}),
    irsa("the token's file does not exist", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/pod/none"}),
    pod_identity("the agent refuses the token", {}, {"token": "another"}),
    pod_identity("the agent refuses the token, `AWS_EC2_METADATA_DISABLED=true`", NO_METADATA, {"token": "another"}),
    irsa("STS refuses the token", {}, {"token": "another"}),
    irsa("STS refuses the token, `AWS_EC2_METADATA_DISABLED=true`", NO_METADATA, {"token": "another"}),
    pod_identity("no agent listens",
                 {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23:81/v1/credentials"}),
    pod_identity("the agent at `[fd00:ec2::23]`",
                 {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1/credentials"}),
    pod_identity("the agent at `[fd00:ec2::23]`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6`",
                 {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1/credentials",
                  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}),
    # Half a pair.
    neither("nothing", {}),
    neither("`AWS_ROLE_ARN` alone", {"AWS_ROLE_ARN": IRSA["AWS_ROLE_ARN"]}),
    neither("`AWS_WEB_IDENTITY_TOKEN_FILE` alone", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/pod/token"}),
    neither("`AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`, empty",
            {"AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": ""}),
    neither("`AWS_ROLE_ARN` empty, `AWS_WEB_IDENTITY_TOKEN_FILE` set", IRSA | {"AWS_ROLE_ARN": ""}),
    neither("`AWS_ROLE_ARN` set, `AWS_WEB_IDENTITY_TOKEN_FILE` empty", IRSA | {"AWS_WEB_IDENTITY_TOKEN_FILE": ""}),
    neither("`AWS_CONTAINER_CREDENTIALS_FULL_URI` alone",
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": POD_IDENTITY["AWS_CONTAINER_CREDENTIALS_FULL_URI"]}),
    neither("`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` alone", {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod/token"}),
    neither("`AWS_CONTAINER_CREDENTIALS_FULL_URI` and `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, empty",
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": ""}),
    neither("`AWS_CONTAINER_CREDENTIALS_FULL_URI` set, `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` empty",
            POD_IDENTITY | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": ""}),
]
