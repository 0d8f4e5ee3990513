"""Which releases are swapped for which: old and new version, what to import, where the tests are, what they need.

An entry is a pair of releases, not a package: those with a suffix after a colon are farther apart.
"""

from __future__ import annotations

from typing import NamedTuple


class Upgrade(NamedTuple):
    """One package, from one release to another.

    Attributes:
        old: The release that is loaded first.
        new: The release that is pushed.
        imports: Its top-level modules.
        tests: Where the tests lie in the source distribution of the new release; ``none`` if it has none that run here.
        needs: Requirements of the package and of its tests.
        also: Other files and folders of the source distribution that the tests read.
    """

    old: str
    new: str
    imports: tuple[str, ...]
    tests: str = "tests"
    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


UPGRADES = {
    "attrs": Upgrade("22.2.0", "23.1.0", ("attr", "attrs"), needs=("hypothesis", "cloudpickle", "zope.interface")),
    "click": Upgrade("8.1.3", "8.1.7", ("click",)),
    "jinja2": Upgrade("3.1.2", "3.1.4", ("jinja2",), needs=("markupsafe", "trio")),
    "marshmallow": Upgrade("3.19.0", "3.20.1", ("marshmallow",), needs=("pytz", "simplejson", "packaging")),
    "toolz": Upgrade("0.11.2", "0.12.0", ("toolz", "tlz"), "toolz/tests"),
    "werkzeug": Upgrade(
        *("2.3.6", "2.3.8", ("werkzeug",)),
        needs=("markupsafe", "ephemeral-port-reserve", "pytest-timeout", "pytest-xprocess", "watchdog", "cryptography"),
    ),
    "arrow": Upgrade(
        *("1.2.3", "1.3.0", ("arrow",)),
        needs=("python-dateutil", "types-python-dateutil", "pytz", "simplejson", "pytest-mock", "dateparser"),
    ),
    "blinker": Upgrade("1.6.2", "1.7.0", ("blinker",), needs=("pytest-asyncio",)),
    "cachetools": Upgrade("5.2.0", "5.3.2", ("cachetools",)),
    "chardet": Upgrade("5.1.0", "5.2.0", ("chardet",), "test.py", needs=("hypothesis",), also=("tests",)),
    "flask": Upgrade(
        *("2.2.5", "2.3.3", ("flask",)),
        needs=("werkzeug<3", "jinja2", "itsdangerous", "click", "blinker", "asgiref"),
        also=("examples",),
    ),
    "h11": Upgrade("0.13.0", "0.14.0", ("h11",), "h11/tests"),
    "httpx": Upgrade(
        *("0.24.1", "0.25.2", ("httpx",)),
        needs=("httpcore<1", "anyio<4", "certifi", "idna", "sniffio", "h2", "socksio", "uvicorn", "trio", "trustme"),
    ),
    "idna": Upgrade("3.4", "3.6", ("idna",)),
    "itsdangerous": Upgrade("2.1.2", "2.2.0", ("itsdangerous",), needs=("freezegun",)),
    "jsonschema": Upgrade(
        *("4.18.0", "4.20.0", ("jsonschema",), "jsonschema/tests"),
        needs=("attrs", "referencing", "jsonschema-specifications", "rpds-py", "pyrsistent"),
        also=("json",),
    ),
    "markdown": Upgrade("3.4.4", "3.5.2", ("markdown",), needs=("pyyaml",)),
    "mistune": Upgrade("3.0.1", "3.0.2", ("mistune",)),
    "more-itertools": Upgrade("9.1.0", "10.1.0", ("more_itertools",)),
    "networkx": Upgrade("3.1", "3.2", ("networkx",), "networkx/utils/tests"),
    "packaging": Upgrade("23.1", "23.2", ("packaging",), needs=("pretend",)),
    "pluggy": Upgrade("1.2.0", "1.3.0", ("pluggy",), "testing"),
    "prompt-toolkit": Upgrade("3.0.38", "3.0.43", ("prompt_toolkit",), needs=("wcwidth",)),
    "pygments": Upgrade("2.15.1", "2.16.1", ("pygments",), "tests/test_basic_api.py", also=("tests",)),
    "pyparsing": Upgrade("3.0.9", "3.1.1", ("pyparsing",), needs=("railroad-diagrams", "jinja2"), also=("examples",)),
    "referencing": Upgrade(
        "0.30.0", "0.32.0", ("referencing",), "referencing/tests", needs=("attrs", "rpds-py", "jsonschema")
    ),
    "sqlparse": Upgrade("0.4.3", "0.4.4", ("sqlparse",)),
    "starlette": Upgrade(
        *("0.27.0", "0.28.0", ("starlette",)),
        needs=(
            "anyio<4",
            "httpx<0.27",
            "itsdangerous",
            "jinja2",
            "python-multipart",
            "pyyaml",
            "trio",
            "typing_extensions",
        ),
    ),
    "structlog": Upgrade(
        "23.1.0", "23.2.0", ("structlog",), needs=("freezegun", "pretend", "pytest-asyncio<0.24", "simplejson")
    ),
    "tenacity": Upgrade("8.2.2", "8.2.3", ("tenacity",), needs=("tornado", "typeguard")),
    "tinydb": Upgrade("4.7.1", "4.8.0", ("tinydb",), needs=("pyyaml",)),
    "tomlkit": Upgrade("0.11.8", "0.12.3", ("tomlkit",), needs=("pyyaml",)),
    "traitlets": Upgrade("5.9.0", "5.14.0", ("traitlets",), needs=("pytest-mock", "argcomplete")),
    "typer": Upgrade("0.9.0", "0.9.4", ("typer",), needs=("click<8.2", "shellingham", "rich", "typing_extensions")),
    "wtforms": Upgrade("3.0.1", "3.1.2", ("wtforms",), needs=("markupsafe", "email_validator", "babel")),
    "anyio": Upgrade(
        "3.6.2", "3.7.1", ("anyio",), needs=("idna", "sniffio", "trio<0.23", "psutil", "trustme", "pytest-mock")
    ),
    "bottle": Upgrade("0.12.23", "0.12.25", ("bottle",), "test"),
    "boltons": Upgrade("23.0.0", "23.1.1", ("boltons",)),
    "beautifulsoup4": Upgrade("4.12.0", "4.12.2", ("bs4",), "bs4/tests", needs=("soupsieve", "html5lib")),
    "cattrs": Upgrade(
        "23.1.2",
        "23.2.3",
        ("cattr", "cattrs"),
        "none",
        needs=("attrs<24", "hypothesis", "immutables", "typing_extensions"),
    ),
    "celery": Upgrade(
        "5.3.4",
        "5.3.6",
        ("celery",),
        "t/unit",
        needs=("celery==5.3.6", "pytest-celery<1", "pytest-subtests", "pytest-timeout", "pytest-click"),
    ),
    "django": Upgrade("4.2.6", "4.2.7", ("django",), "none", needs=("asgiref", "sqlparse")),
    "docutils": Upgrade("0.20", "0.20.1", ("docutils",), "test/test_nodes.py", also=("test",)),
    "filelock": Upgrade("3.12.2", "3.12.4", ("filelock",), needs=("pytest-mock", "pytest-timeout", "virtualenv")),
    "h2": Upgrade("4.0.0", "4.1.0", ("h2",), "test", needs=("hyperframe", "hpack", "hypothesis<6.100")),
    "httpcore": Upgrade(
        "0.17.3",
        "0.18.0",
        ("httpcore",),
        needs=(
            "anyio<4",
            "certifi",
            "h11<0.15",
            "h2",
            "sniffio",
            "trio<0.23",
            "socksio",
            "trustme",
            "pytest-httpbin",
            "pytest-trio",
        ),
    ),
    "humanize": Upgrade("4.8.0", "4.9.0", ("humanize",), needs=("freezegun",)),
    "jedi": Upgrade(
        "0.18.2",
        "0.19.1",
        ("jedi",),
        "test/test_api",
        needs=("parso<0.9", "docopt", "attrs", "colorama"),
        also=("test", "conftest.py"),
    ),
    "kombu": Upgrade(
        "5.3.2", "5.3.4", ("kombu",), "t/unit", needs=("amqp", "vine", "pytest-freezer", "hypothesis", "pyyaml")
    ),
    "lark": Upgrade("1.1.7", "1.1.8", ("lark",), "tests/test_tree_forest_transformer.py", also=("tests",)),
    "mako": Upgrade("1.2.4", "1.3.0", ("mako",), "test", needs=("markupsafe", "babel", "dogpile.cache")),
    "oauthlib": Upgrade("3.2.1", "3.2.2", ("oauthlib",), needs=("pyjwt", "blinker", "cryptography")),
    "parso": Upgrade("0.8.2", "0.8.3", ("parso",), "test", needs=("docopt",)),
    "pydantic": Upgrade(
        "1.10.12", "1.10.13", ("pydantic",), "none", needs=("typing_extensions", "email_validator", "python-dotenv")
    ),
    "pyramid": Upgrade(
        "2.0", "2.0.2", ("pyramid",), needs=("setuptools<70", "pyramid==2.0.2", "webtest", "zope.component")
    ),
    "python-dateutil": Upgrade(
        "2.8.2", "2.9.0.post0", ("dateutil",), needs=("six", "freezegun", "hypothesis", "attrs")
    ),
    "pyyaml": Upgrade("5.3.1", "6.0.1", ("yaml",), "none"),
    "requests": Upgrade(
        "2.28.2",
        "2.31.0",
        ("requests",),
        needs=(
            "urllib3<2",
            "certifi",
            "idna",
            "charset-normalizer",
            "pytest-httpbin",
            "pytest-mock",
            "pysocks",
            "trustme",
        ),
    ),
    "rich": Upgrade("13.5.2", "13.7.0", ("rich",), "none", needs=("pygments", "markdown-it-py")),
    "tabulate": Upgrade("0.8.10", "0.9.0", ("tabulate",), "test"),
    "tornado": Upgrade("6.3.2", "6.3.3", ("tornado",), "tornado/test/httputil_test.py"),
    "tqdm": Upgrade("4.65.0", "4.66.1", ("tqdm",), needs=("pytest-timeout", "pytest-asyncio")),
    "trio": Upgrade(
        "0.22.1",
        "0.22.2",
        ("trio",),
        "trio/tests",
        needs=("attrs", "sortedcontainers", "idna", "outcome", "sniffio", "trustme", "pyopenssl", "async_generator"),
    ),
    "urllib3": Upgrade(
        "2.0.5",
        "2.0.7",
        ("urllib3",),
        "test/test_util.py",
        needs=("tornado", "trustme", "pysocks", "pytest-timeout", "python-dateutil"),
        also=("test", "dummyserver"),
    ),
    "uvicorn": Upgrade(
        "0.23.1",
        "0.23.2",
        ("uvicorn",),
        needs=(
            "click",
            "h11",
            "httpx<0.27",
            "pytest-mock",
            "trustme",
            "websockets<12",
            "wsproto",
            "a2wsgi<1.10",
            "cryptography",
            "pyyaml",
            "python-dotenv",
        ),
    ),
    "voluptuous": Upgrade("0.13.1", "0.14.1", ("voluptuous",), "voluptuous/tests"),
    "websockets": Upgrade("11.0.2", "12.0", ("websockets",)),
    "click:8.0": Upgrade("8.0.4", "8.1.7", ("click",)),
    "jinja2:3.0": Upgrade("3.0.3", "3.1.4", ("jinja2",), needs=("markupsafe", "trio")),
    "marshmallow:3.14": Upgrade("3.14.1", "3.20.1", ("marshmallow",), needs=("pytz", "simplejson", "packaging")),
    "werkzeug:2.2": Upgrade(
        *("2.2.3", "2.3.8", ("werkzeug",)),
        needs=("markupsafe", "ephemeral-port-reserve", "pytest-timeout", "pytest-xprocess", "watchdog", "cryptography"),
    ),
}
