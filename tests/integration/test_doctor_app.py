"""doctor on an app: its source tree and its environment.

One app in which all is well (fixtures/doctor-app) and one environment: no check
may warn, nor on what only looks like a mistake.  test_doctor_app_cases.py makes
the mistakes.
"""

import re

import pytest

from harness.app_case import APP, ENV, RULES, TOKEN, Case, doctor, unwell, write_env

ROUTE = "app/api/login/route.ts"


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_healthy_app_has_no_warning(case):
    rc, checks = case.run()
    assert (rc, unwell(checks)) == (0, {}), checks
    assert len(checks) > 30
    assert "keep these very values" in checks["sessions"]["seen"]
    assert list(checks)[-1] == "places"


def test_healthy_with_files_that_next_image_may_load(case):
    case.files("https://files.example.net/u")
    _, checks = case.run()
    assert unwell(checks) == {}


def test_each_part_alone(case, tmp_path):
    env = write_env(tmp_path / "env", ENV)
    rc, checks = doctor("--env-file", env)
    assert (rc, unwell(checks)) == (0, {}) and "required" in checks
    assert "readme" not in checks
    rc, checks = doctor("--app", case.app)
    assert (rc, unwell(checks)) == (0, {}) and "readme" in checks
    assert "required" not in checks


def test_what_does_no_harm(case):
    """Look-alikes of the above that are right."""
    case.add("scripts/seed.js", "fs.writeFile('x'); process.env.SEED_ONLY;\n")
    case.add("lib/a.test.ts", "const x = process.env.TEST_ONLY; import 'vitest';\n")
    case.append("lib/db.ts", "fs.writeFileSync('/tmp/x', '');\n"
                "/* fs.writeFile('x') process.env.IN_COMMENT */\n"
                "export const f = process.env.FLAG === 'on';\n"
                "export const d = process.env.SOMETHING ?? 'x';\n"
                "export const n = process.env.NODE_ENV + process.env.SPACE_HOST;\n"
                "const parts = name.split('.'); if (parts.length > 2) throw 0;\n")
    case.add("docs/uri.md", "mongodb+srv://<user>:<password>@host.example.net/db, "
             "mongodb://user:password@host, hf_" + "x" * 34 + "\n")
    case.add("node_modules/a/index.js", f"process.env.INSIDE; '{TOKEN}'\n")
    (case.app / "out").symlink_to("/etc")
    case.edit("README.md", "app_port: 3000", "app_port: '3000'  # the app's")
    case.edit("Dockerfile", "ENV PORT=3000", "ENV OTHER=1 \\\n  # a comment\n  PORT=3000")
    rc, checks = case.run()
    assert (rc, unwell(checks)) == (0, {}), checks


def test_without_embedding_frames_do_not_matter(case):
    case.edit("README.md", "pinned: false", "disable_embedding: true")
    case.edit(ROUTE, "'none'", "'lax'")
    case.append("middleware.ts", "const h = { key: 'X-Frame-Options', value: 'DENY' };\n")
    _, checks = case.run()
    assert unwell(checks) == {}


def test_uploads_that_move_are_no_warning(case):
    case.add("public/uploads/a.png", "x")
    case.files("https://files.example.net/u", case.app / "public/uploads")
    _, checks = case.run()
    assert unwell(checks) == {}
    assert "uploads" in checks


def test_env_from_the_running_container(case):
    """`env -0`: values with line breaks and quotes, no comments."""
    case.values["NOTE"] = "line\nJWT_SECRET=no\n# \"quoted\""
    case.env_text = b"".join(f"{k}={v}\0".encode() for k, v in case.values.items())
    rc, checks = case.run()
    assert (rc, unwell(checks)) == (0, {}), checks
    assert checks["env-file"]["seen"] == "9 variables"


def test_env_through_a_pipe(case):
    text = "".join(f"{k}={v}\0" for k, v in case.values.items())
    rc, checks = doctor("--app", case.app, "--env-file", "/dev/stdin", *RULES, input=text)
    assert (rc, unwell(checks)) == (0, {})
    assert checks["env-file"]["seen"] == "8 variables"


def test_another_target_than_the_apps(case):
    case.args += ["--to", "mongodb+srv://me:pw@other.abcde.invalid/ezia"]
    _, checks = case.run()
    assert checks["mongodb-uri"]["verdict"] == "warn"
    assert re.search("leads to cluster0.*--to to other", checks["mongodb-uri"]["seen"])


def test_the_env_file_of_the_running_app(case):
    """With --from: what leads to the old host need not be changed beforehand."""
    case.values["MONGODB_URI"] = "mongodb://me:pw@127.0.0.1:9/ezia?authSource=admin"
    case.values["NEXTAUTH_URL"] = "https://ezia.ai"
    rc, checks = case.run()
    assert (rc, unwell(checks)) == (1, {"mongodb-uri": "fail", "env-urls": "fail"})
    case.args += ["--from", "mongodb://127.0.0.1:9/ezia"]
    _, checks = case.run()
    assert unwell(checks) == {"mongodb-uri": "warn", "env-urls": "warn"}
    assert "127.0.0.1, the source" in checks["mongodb-uri"]["seen"]
    assert "the target's URI" in checks["mongodb-uri"]["remedy"]
    assert f"spaceferry rewrite {case.folder / 'env'} " in checks["env-urls"]["remedy"]
    # No rule will change that.
    case.values["AUTH_URL"] = "http://localhost:3000"
    _, checks = case.run()
    assert checks["env-urls"]["verdict"] == "fail"
    # Another source; the target itself.
    case.args[-1] = "mongodb://127.0.0.2:9/ezia"
    _, checks = case.run()
    assert checks["mongodb-uri"]["verdict"] == "fail"
    case.args[-1] = "mongodb://127.0.0.1:9/ezia"
    case.args += ["--to", "mongodb://127.0.0.1:8/ezia"]
    _, checks = case.run()
    assert checks["mongodb-uri"]["verdict"] == "fail"


def test_image_hosts_as_they_are(case):
    case.files("http://cdn.example.org/u")
    _, checks = case.run()
    assert "{ protocol: 'http', hostname: 'cdn.example.org' }] }" in \
        checks["image-hosts"]["remedy"]


def test_many_of_a_kind_are_counted(case):
    names = [f"EXTRA_{'N' * 40}_{i:03}" for i in range(40)]
    case.add("lib/many.ts", "".join(f"f(process.env.{n});\n" for n in names))
    _, checks = case.run()
    seen = checks["undefined"]["seen"]
    shown = re.findall(r"EXTRA_N+_\d{3} \(lib/many\.ts:\d+\)", seen)
    assert [s.split()[0] for s in shown] == names[:len(shown)] and len(shown) > 8
    assert seen.endswith(f"; and {40 - len(shown)} more")


def test_what_cannot_be_read(tmp_path):
    rc, checks = doctor("--app", tmp_path / "none", "--env-file", tmp_path)
    assert rc == 1
    assert unwell(checks) == {"source-tree": "fail", "env-file": "fail"}
    (tmp_path / "empty").mkdir()
    _, checks = doctor("--app", tmp_path / "empty")
    assert unwell(checks) == {"source-tree": "warn"}


def test_large_files_of_nothing_but_matter(case):
    """A quarter of a MiB each of what the readers look for: all of it ends, in short lines."""
    matter = ["process.env.A_%d ", "from 'p%d'\n", "sameSite: 'lax', ", "images: {[",
              "host.split('.').length > 2 ", "X-Frame-Options: DENY ", "/* ", "`${",
              "const { A, B } = process.env;", "mongodb://a:Hunter2x@h%d.example/x\n",
              "-----BEGIN PRIVATE KEY-----", "https://ezia.ai/%d ", "writeFile(\n"]
    for n, text in enumerate(matter):
        many = "".join(text.replace("%d", str(i)) for i in range((1 << 18) // len(text)))
        case.add(f"lib/m{n}.ts", many)
    case.append("Dockerfile", "FROM a\n" * 5000)
    case.append(".gitignore", "a/**/b/**/c*d*e\n" * 5000)
    _, checks = case.run()
    assert checks["secrets-in-files"]["verdict"] == "fail"
    assert max(len(c["seen"]) for c in checks.values()) < 1100


def test_places_out_of_reach_by_the_apps_variables(case):
    case.values.update(STRIPE_SECRET_KEY="whatever-it-is", GOOGLE_CLIENT_ID="x",
                       BREVO_API_KEY="k")
    _, checks = case.run()
    seen = checks["places"]["seen"]
    order = [seen.index(w) for w in ("Stripe", "mail provider", "Google", "DNS")]
    assert order == sorted(order)
    _, checks = doctor("--app", APP)
    assert "Stripe" not in checks["places"]["seen"]
    assert "webhooks" in checks["places"]["seen"]
