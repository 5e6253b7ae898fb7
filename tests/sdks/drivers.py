"""The drivers, one for each SDK, and what a process of one chose in a row's environment."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import stand_ins
from rows import BASE, PAIRS

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ["SDKS_CACHE"])
RUN = pathlib.Path(os.environ["SDKS_RUN"])
# A pod whose SDK answers later has failed, whatever the answer is.
DEADLINE_SECONDS = 60
# Java names every source that it tried.
LONGEST_ERROR = 300


@dataclass
class Sdk:
    name: str
    # The file that pins it, and the version's place there.
    pinned: str
    pattern: str
    command: list
    # How it is told to trust the stand-in for STS.
    trust: dict

    @property
    def version(self):
        return re.search(self.pattern, (HERE / self.pinned).read_text()).group(1)

    @property
    def title(self):
        return f"{self.name} {self.version}"


AUTHORITY = str(RUN / "ca.crt")
SDKS = [
    Sdk("botocore (Python)", "python/requirements.txt", r"botocore==([\d.]+)",
        [sys.executable, "-B", HERE / "python/driver.py"],
        {"PYTHONPATH": str(CACHE / "python"), "REQUESTS_CA_BUNDLE": AUTHORITY}),
    Sdk("Go v2", "go/go.mod", r"v2/config v([\d.]+)",
        [CACHE / "go"], {"SSL_CERT_FILE": AUTHORITY}),
    Sdk("JavaScript v3", "js/package.json", r'credential-provider-node": "([\d.]+)"',
        ["node", CACHE / "js/driver.mjs"], {"NODE_EXTRA_CA_CERTS": AUTHORITY}),
    Sdk("Rust", "rust/Cargo.toml", r'aws-config = "=([\d.]+)"',
        [CACHE / "rust/debug/driver"], {"SSL_CERT_FILE": AUTHORITY}),
]
# The only one whose toolchain may be missing.
JAVA = Sdk(
    "Java v2", "java/pom.xml", r"<artifactId>sts</artifactId>\s*<version>([\d.]+)",
    ["java", "-XX:TieredStopAtLevel=1", f"-Djavax.net.ssl.trustStore={RUN}/ca.p12",
     "-Djavax.net.ssl.trustStorePassword=changeit",
     "-cp", f"{CACHE}/java/target/classes:{CACHE}/java/jars/*", "Driver"],
    {},
)
if shutil.which("mvn"):
    SDKS.append(JAVA)


@dataclass
class Answer:
    # The access key id, or the error.
    text: str
    failed: bool
    # What the stand-ins saw that the key does not say.
    notes: list


def ask(sdk, method, row, seen):
    """Starts a process of the SDK in the row's environment."""
    lay_files(row)
    env = BASE | PAIRS[method] | row.env
    env = {name: placed(value) for name, value in env.items() if value is not None}
    env |= sdk.trust | {"PATH": os.environ["PATH"]}
    seen.clear()
    try:
        process = subprocess.run(sdk.command, env=env, text=True, timeout=DEADLINE_SECONDS,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Answer(f"no answer in {DEADLINE_SECONDS} s", True, notes(seen))
    return Answer(one_line(process.stdout), process.returncode != 0, notes(seen))


def lay_files(row):
    """The row's files and no other row's."""
    shutil.rmtree(RUN / "pod", ignore_errors=True)
    for name, text in {"home/.keep": "", "token": stand_ins.TOKEN, **row.files}.items():
        path = RUN / "pod" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(placed(text))


def placed(text):
    return text.replace("/pod/", f"{RUN}/pod/")


def one_line(output):
    """The output without what is different in every run, and not longer than a reader wants it."""
    line = " ".join(output.split()).replace(str(RUN), "")
    return line if len(line) <= LONGEST_ERROR else line[:LONGEST_ERROR].rsplit(" ", 1)[0] + " …"


def notes(seen):
    found = []
    for event in seen:
        match event.split():
            case ["PROXY", _]:
                found.append("asked the proxy")
            case ["PROXY", _, "TOKEN"]:
                found.append("the proxy got the token")
            case ["CONNECT", _]:
                found.append("through the proxy")
            case ["OTHER", _]:
                found.append("the other service got the token")
            case ["STS", host] if host != f"sts.{stand_ins.REGION}.amazonaws.com":
                found.append(f"from {host}")
    return list(dict.fromkeys(found))
