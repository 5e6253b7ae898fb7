"""Fetches the pinned packages and keeps the manifests in them: files as they are, charts as Helm renders them.

Nothing here knows what `inject` does. What is kept lies in a folder of the cache whose name depends on the pins, so
that a second run fetches nothing.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pod-identity-webhook-corpus"
EMBEDDED = HERE / "embedded"
PINS = [HERE / "sources", HERE / "charts", HERE / "fetch.py", *sorted(EMBEDDED.iterdir())]

ENDINGS = (".yaml", ".yml", ".json")
# Larger files are API descriptions; the largest of the manifests has 600 kB.
LARGEST = 2 << 20
KINDS = rb"Pod|PodTemplate|ReplicationController|Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|CronJob"
NAMES_A_POD = re.compile(rb"\bkind[\"']?:\s*[\"']?(?:" + KINDS + rb")(?:List)?\b")
# Of Go's templates and Jinja's: such a file is a manifest only once something has rendered it.
TEMPLATED = re.compile(rb"\{\{|\{%")


@dataclasses.dataclass(frozen=True)
class Source:
    """A line of `sources`."""

    registry: str
    name: str
    version: str
    sha256: str


class Unfetched(Exception):
    """A package could not be had, or is not what was pinned."""


def sources():
    lines = (line.split("#")[0].split() for line in (HERE / "sources").read_text().splitlines())
    return [Source(*words) for words in lines if words]


def manifests(say):
    """The folder with all manifests, fetched if this is the first run with these pins; and what could not be had."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in PINS)).hexdigest()[:16]
    kept = CACHE / f"manifests-{digest}"
    if kept.exists():
        return kept, []
    for old in CACHE.glob("manifests-*"):
        shutil.rmtree(old)
    CACHE.mkdir(parents=True, exist_ok=True)
    problems = []
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        made = pathlib.Path(scratch, "made")
        for source in sources():
            say(f"fetching {source.registry} {source.name} {source.version.split('/')[-1]}")
            try:
                keep(members(package(source)), made / source.registry / source.name)
            except (Unfetched, OSError, subprocess.SubprocessError) as error:
                problems.append(f"{source.name}: {error}")
        say("fetching the Go packages of embedded/go.mod")
        try:
            for module, folder in embedded(pathlib.Path(scratch, "go")):
                files = [path for path in folder.rglob("*") if path.is_file()]
                keep(((str(path.relative_to(folder)), path.read_bytes()) for path in files), made / "go" / module)
        except (Unfetched, OSError, subprocess.SubprocessError) as error:
            problems.append(f"the packages of embedded/go.mod: {error}")
        if problems:
            kept = CACHE / "manifests-incomplete"
        made.rename(kept)
    return kept, problems


def package(source):
    """The package's file: its content is what was pinned."""
    folder = CACHE / "packages" / source.registry / source.name.replace("/", "-")
    for path in folder.glob("*"):
        if is_pinned(path, source):
            return path
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    CLIENTS[source.registry](source, folder)
    for path in folder.iterdir():
        if is_pinned(path, source):
            return path
    raise Unfetched("no file with the pinned SHA-256 was fetched")


def is_pinned(path, source):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == source.sha256


def pypi(source, folder):
    # A wheel only: of a source distribution pip would run the code.
    run(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
        "--ignore-requires-python", "--dest", folder, f"{source.name}=={source.version}")


def npm(source, folder):
    run("npm", "pack", "--silent", "--ignore-scripts", f"{source.name}@{source.version}", cwd=folder)


def debian(source, folder):
    """The source package, by an index of its own: the machine's lists stay as they are."""
    suite, version = source.version.split("/")
    state = CACHE / "apt" / suite
    sources_list = state / "debian.sources"
    if not sources_list.exists():
        (state / "lists").mkdir(parents=True, exist_ok=True)
        sources_list.write_text(machine_debian(suite))
    options = [f"-oDir::Etc::SourceList={sources_list}", "-oDir::Etc::SourceParts=/dev/null",
               f"-oDir::State::Lists={state / 'lists'}", f"-oDir::Cache={state}", "-oAPT::Sandbox::User=root"]
    if not any(state.glob("lists/*Sources*")):
        run("apt-get", *options, "-qq", "update")
    run("apt-get", *options, "-qq", "--download-only", "source", f"{source.name}={version}", cwd=folder)


def machine_debian(suite):
    """The machine's own entry of Debian, turned into one of this suite's source packages."""
    for path in pathlib.Path("/etc/apt/sources.list.d").glob("*.sources"):
        for entry in path.read_text().split("\n\n"):
            if re.search(r"^URIs: \S*/debian/?$", entry, re.M):
                entry = re.sub(r"^Types: .*", "Types: deb-src", entry, flags=re.M)
                return re.sub(r"^Suites: .*", f"Suites: {suite}", entry, flags=re.M)
    raise Unfetched("this machine has no Debian archive in /etc/apt/sources.list.d")


CLIENTS = {"pypi": pypi, "npm": npm, "debian": debian}


def embedded(folder):
    """What the Go packages embed: a module's name, and the folder that its files were written to."""
    environment = {"GOMODCACHE": CACHE / "go", "GOFLAGS": "-mod=readonly -modcacherw"}
    run("go", "run", ".", folder, cwd=EMBEDDED, environment=environment)
    required = json.loads(run("go", "mod", "edit", "-json", cwd=EMBEDDED, environment=environment))["Require"]
    return [(module["Path"], folder / module["Path"]) for module in required]


def members(path):
    """Name and content of the files in a package."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield entry.filename, archive.read(entry)
        return
    with tarfile.open(path) as archive:
        for entry in archive:
            if entry.isfile():
                # The first folder has the version in its name.
                yield entry.name.split("/", 1)[-1], archive.extractfile(entry).read()


def keep(files, folder):
    """Writes the files that may have pods, and what Helm makes of the charts, to the folder."""
    charts = tempfile.TemporaryDirectory(dir=CACHE)
    with charts as scratch:
        plain, tops = {}, set()
        for name, content in files:
            if len(content) > LARGEST or ".." in name.split("/") or pathlib.PurePath(name).name.startswith("."):
                continue
            if name.endswith("/Chart.yaml"):
                tops.add(name.removesuffix("/Chart.yaml"))
            if "chart" in name.lower() or "helm" in name.lower():
                write(pathlib.Path(scratch, name), content)
            if name.endswith(ENDINGS) and NAMES_A_POD.search(content) and not TEMPLATED.search(content):
                plain[name] = content
        tops = {top for top in tops if not any(top.startswith(f"{other}/") for other in tops)}
        for name, content in plain.items():
            if not any(name.startswith(f"{top}/") for top in tops):
                write(folder / name, content)
        for top in sorted(tops):
            for variant, arguments in variants(f"{folder.name}/{top}"):
                rendered = render(pathlib.Path(scratch, top), arguments)
                if NAMES_A_POD.search(rendered):
                    write(folder / f"{top}.{variant}.yaml", rendered)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def variants(chart):
    """With which values a chart is rendered: the lines of `charts` that name it, or its default values."""
    found = []
    for line in (HERE / "charts").read_text().splitlines():
        name, _, arguments = line.split("#")[0].strip().partition(" ")
        if name and chart.endswith(name):
            found.append((f"rendered-{len(found) + 1}", shlex.split(arguments)))
    return found or [("rendered", [])]


def render(chart, arguments):
    """What Helm makes of a chart: nothing if it refuses the values, which is said and no failure."""
    done = subprocess.run(
        [helm(), "template", "release", chart, "--namespace", "charts", *arguments],
        capture_output=True, timeout=120, check=False,
    )
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    print(f"  no manifests of {chart.name}: {lines[-1] if lines else 'Helm failed'}"[:300])
    return b""


def helm():
    """$HELM, the one in PATH, or the one that the end-to-end tests have built."""
    built = sorted(CACHE.parent.glob("pod-identity-webhook-e2e/bin-*/helm"))
    found = os.environ.get("HELM") or shutil.which("helm") or (str(built[-1]) if built else None)
    if not found:
        raise Unfetched("no helm: put it in PATH, or set HELM")
    return found


def run(*words, cwd=None, environment=None):
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {name: str(value) for name, value in (environment or {}).items()},
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Unfetched(f"{words[0]}: {lines[-1] if lines else f'exit code {done.returncode}'}")
    return done.stdout
