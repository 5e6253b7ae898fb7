"""How manifests are read here: every scalar as the text that is written, so that nothing can change unseen."""

import json
import os.path

import yaml


class Loader(yaml.CSafeLoader):
    """Takes plain scalars as text: `0644` and `on` stay what they are. Only null and `<<` mean something."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def documents(text):
    """The documents with content. JSON values may follow one another without a separator, as kubectl reads them."""
    if text.lstrip().startswith("{"):
        try:
            return list(json_values(text))
        except ValueError:
            pass
    return [document for document in yaml.load_all(text, Loader) if document is not None]


def json_values(text):
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    end = len(text.rstrip())
    at = 0
    while at < end:
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield words(value)


def words(value):
    """JSON's booleans as the loader of YAML gives them."""
    if isinstance(value, dict):
        return {key: words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [words(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def differences(wanted, got, place=""):
    """Where two values differ, each in words."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in {**wanted, **got}:
            if key not in got:
                yield f"{place}/{key} is missing"
            elif key not in wanted:
                yield f"{place}/{key} is there, and should not be"
            else:
                yield from differences(wanted[key], got[key], f"{place}/{key}")
    elif isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got):
            yield f"{place} has {len(got)} items, not {len(wanted)}"
        for number, (one, other) in enumerate(zip(wanted, got)):
            yield from differences(one, other, f"{place}/{number}")
    elif wanted != got or type(wanted) is not type(got):
        yield f"{place} is {got!r}, not {wanted!r}"


# How far behind its place a line is looked for, and how many lines an addition may take within one.
WINDOW = 400
# What an addition replaces.
EMPTY = {"", "[]", "{}", "null", "~"}


def lost_lines(before, after):
    """Lines of the first text that are not in the second, in order: neither whole, nor with an addition in the middle,
    as flow style and JSON have it, nor with an empty value that an addition replaces."""
    lost, kept, at = [], after.split("\n"), 0
    for line in before.split("\n"):
        try:
            at = kept.index(line, at) + 1
            continue
        except ValueError:
            pass
        found = widened(line, kept, at)
        if found is None:
            lost.append(line)
        else:
            at = found
    return lost


def widened(line, kept, at):
    """Where the search goes on behind a line that holds an addition, if there is one."""
    for number in range(at, min(at + WINDOW, len(kept))):
        common = len(os.path.commonprefix([line, kept[number]]))
        rest = line[common:]
        if line[:common].strip():
            # All of it on one line, with additions in several places.
            letters = iter(kept[number])
            if all(letter in letters for letter in line):
                return number + 1
            for end in range(number, min(number + WINDOW, len(kept))):
                if rest and kept[end].endswith(rest):
                    return end if end == number else end + 1
        if rest.strip() in EMPTY and (line[:common].strip() or rest.strip()):
            return number if not line[:common].strip() else number + 1
    return None
