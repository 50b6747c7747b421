"""The fixture app on its way: what a run needs to move it."""

from pathlib import Path

import make_app
import yaml

from . import expect

CONFIG = Path(make_app.__file__).parent / "rules.yaml"
DB = "ezia-prod"            # rules.yaml names it
FILES_URL = "https://files.example/e"


class App:
    """The app's database on source, its uploads in folder."""

    def __init__(self, source, folder, **options):
        self.source, self.uploads = source, Path(folder)
        self.counts = make_app.load(source.uri(), DB, **options)
        self.keys = make_app.uploads(self.uploads)
        config = yaml.safe_load(CONFIG.read_text())
        self.pairs = [(r["from"], r["to"].replace("${EZIA_FILES_URL}", FILES_URL)
                       .replace("$$", "$"))
                      for r in config["files-url"] + config["rewrite"]]
        self.n_files_rules = len(config["files-url"])
        self.rules = expect.compile_rules(self.pairs)
        self.skips = config["rewrite-skip"]

    @property
    def database(self):
        return self.source.client()[DB]

    def env(self, to, store, **more):
        """The variables that rules.yaml asks for."""
        return {"EZIA_FROM": self.source.uri(DB), "EZIA_TO": to,
                "EZIA_UPLOADS": str(self.uploads), "EZIA_STORE": store,
                "EZIA_FILES_URL": FILES_URL, **more}

    def dangling(self, expected):
        """[(collection, raw id)] of the links that lead to no upload, by the
        reference; expected: {collection: Expected}."""
        files = set(self.keys)
        found = []
        for name, want in expected.items():
            for key, link in want.links:
                forms = [f.decode("utf-8", "replace").lstrip("/")
                         for f in link.forms]
                if link.rule < self.n_files_rules and forms[0] \
                        and not files & set(forms):
                    found.append((name, key))
        return found

    def drop(self):
        self.source.client().drop_database(DB)


def config_args():
    return ["--config", str(CONFIG)]
