"""Every condition that doctor names about an app, made by one change to the
healthy one: just that check, with just that cause, must come out otherwise."""

import re
from concurrent.futures import ThreadPoolExecutor

from harness.app_case import JWT, OTHER_TOKEN, TOKEN, Case, unwell


def drop(name):
    return lambda c: c.values.pop(name)


def put(name, value):
    return lambda c: c.values.__setitem__(name, value)


def edit(name, old, new):
    return lambda c: c.edit(name, old, new)


def append(name, text):
    return lambda c: c.append(name, text)


def add(name, text):
    return lambda c: c.add(name, text)


def remove(name):
    return lambda c: (c.app / name).unlink()


def both(*changes):
    return lambda c: [change(c) for change in changes]


def uri(text):
    return put("MONGODB_URI", text)


def raw_env(text):
    return lambda c: setattr(c, "env_text", "".join(
        f"{k}={v}\n" for k, v in c.values.items()).encode() + text)


ROUTE = "app/api/login/route.ts"
PEM = ("-----BEGIN " + "PRIVATE KEY-----\n" + "MIIEvQ" * 40
       + "\n-----END " + "PRIVATE KEY-----\n")

# What is changed; the check that must tell; its verdict; words of what it saw;
# other checks that the same change rightly touches.
CASES = {
    # The guide's variables
    "missing": (drop("HF_TOKEN"), "required", "fail", r"HF_TOKEN is missing", ()),
    "empty": (put("HF_TOKEN", ""), "required", "fail", r"HF_TOKEN is empty", ()),
    "missing, never read": (
        both(drop("MISTRAL_API_KEY"),
             edit("lib/ai.ts", "process.env.MISTRAL_API_KEY", "'none'")),
        "required", "warn", r"MISTRAL_API_KEY is missing, but the source never", ()),
    "crossed out": (put("MISTRAL_API_KEY", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
                    "placeholders", "fail", r"MISTRAL_API_KEY \(line 4\): crossed", ()),
    "token crossed out": (put("HF_TOKEN", "hf_" + "x" * 21), "placeholders", "fail",
                          r"HF_TOKEN \(line 2\): crossed", ()),
    "guide's URI": (uri("mongodb+srv://user:pass@cluster.mongodb.net/ezia"),
                    "placeholders", "fail", r"MONGODB_URI \(line 1\): the example", ()),
    "<password>": (uri("mongodb+srv://me:<password>@c.abc.mongodb.net/ezia"),
                   "placeholders", "fail", r"MONGODB_URI.*angle brackets", ()),
    "guide's secret": (put("JWT_SECRET", "your-super-secret-jwt-key-change-this"),
                       "placeholders", "fail", r"JWT_SECRET \(line 5\)",
                       ("signing-secrets",)),
    "smtp host": (put("SMTP_HOST", "mail.example.net"), "smtp", "warn", r"SMTP_HOST", ()),
    "smtp port": (put("MAILER_PORT", "587"), "smtp", "warn", r"MAILER_PORT", ()),
    "switch": (put("DISABLE_ECOSYSTEM_FEATURE", "maybe"), "switches", "warn",
               r"neither true nor false", ()),
    # MONGODB_URI
    "uri of another kind": (uri("postgres://a:b@h.example.net/x"), "mongodb-uri",
                            "fail", r"no mongodb:// or", ()),
    "unescaped @": (uri("mongodb+srv://me:p@ss@c.abc.mongodb.net/ezia"),
                    "mongodb-uri", "fail", r"percent-encoded", ()),
    "unescaped /": (uri("mongodb+srv://me:p/ss@c.abc.mongodb.net/ezia"),
                    "mongodb-uri", "fail", r"percent-encoded", ()),
    "unescaped %": (uri("mongodb+srv://me:10%@c.abc.mongodb.net/ezia"),
                    "mongodb-uri", "fail", r"percent-encoded", ()),
    "srv with a port": (uri("mongodb+srv://me:pw@c.abc.mongodb.net:27017/ezia"),
                        "mongodb-uri", "fail", r"with a port", ()),
    "localhost": (uri("mongodb://me:pw@localhost:27017/ezia"), "mongodb-uri",
                  "fail", r"localhost, the machine itself", ()),
    "docker's name": (uri("mongodb://me:pw@mongodb:27017/ezia-prod?authSource=admin"),
                      "mongodb-uri", "fail", r"mongodb, a name without a dot", ()),
    "private address": (uri("mongodb://me:pw@10.0.3.4:27017/ezia?authSource=admin"),
                        "mongodb-uri", "fail", r"10\.0\.3\.4, in a private", ()),
    "no database": (uri("mongodb+srv://me:pw@c.abc.mongodb.net/?w=1"),
                    "mongodb-uri", "warn", r"names no database", ()),
    "no user": (uri("mongodb+srv://c.abc.mongodb.net/ezia"), "mongodb-uri",
                "warn", r"names no user", ()),
    "no authSource": (uri("mongodb://me:pw@c-00.abc.mongodb.net:27017/ezia?tls=true"),
                      "mongodb-uri", "warn", r"without authSource", ()),
    # Tokens and signing secrets
    "no hf_": (put("HF_TOKEN", "token-of-something-else"), "tokens", "fail",
               r"HF_TOKEN does not begin with hf_", ()),
    "same tokens": (put("DEFAULT_HF_TOKEN", TOKEN), "tokens", "warn", r"are the same", ()),
    "deployer's token": (lambda c: c.environ.update(SPACEFERRY_HF_TOKEN=TOKEN),
                         "tokens", "warn", r"HF_TOKEN is the token that deploys", ()),
    "known secret": (put("JWT_SECRET", "default-jwt-secret"), "signing-secrets",
                     "fail", r"JWT_SECRET is a value that stands in public", ()),
    "short secret": (put("JWT_SECRET", "kT9w2"), "signing-secrets", "warn",
                     r"JWT_SECRET has 5 characters", ()),
    "same secrets": (put("NEXTAUTH_SECRET", JWT), "signing-secrets", "warn",
                     r"JWT_SECRET and NEXTAUTH_SECRET are the same", ()),
    "fallback signs": (
        both(drop("JWT_SECRET"),
             append("lib/auth.ts", "const k = process.env.JWT_SECRET || 'my-key';\n")),
        "sessions", "fail", r"JWT_SECRET is not set.*\(lib/auth\.ts:3\)", ("required",)),
    "public secret": (put("NEXT_PUBLIC_KEY", "sk_" + "live_a1"), "public-values",
                      "fail", r"NEXT_PUBLIC_KEY \(line 9\) holds a secret", ()),
    # The file and the source
    "bad line": (raw_env(b"what is this\n"), "env-file", "warn", r"line 9", ()),
    "cut value": (raw_env(b"TITLE=a#b\n"), "env-file", "warn", r"TITLE.*#", ()),
    "twice": (raw_env(b"DISABLE_ECOSYSTEM_FEATURE=false\n"), "env-file", "warn",
              r"DISABLE_ECOSYSTEM_FEATURE \(line 8\) is set again", ()),
    "undefined": (append("lib/ai.ts", "export const u = process.env.STRIPE_SECRET_KEY;\n"),
                  "undefined", "warn", r"STRIPE_SECRET_KEY \(lib/ai\.ts:17\)", ()),
    "undefined by name": (append("lib/ai.ts", "export const u = process.env['FROM_A'];\n"),
                          "undefined", "warn", r"FROM_A", ()),
    "undefined in a pattern": (
        append("lib/ai.ts", "const { A_KEY: k, B_KEY = 'x' } = process.env;\n"),
        "undefined", "warn", r"^A_KEY \(lib/ai\.ts:17\)$", ()),
    "unused": (put("NOT_READ", "1"), "unused", "pass", r"NOT_READ", ()),
    "old URL in the env": (put("NEXTAUTH_URL", "https://ezia.ai"), "env-urls",
                           "fail", r"NEXTAUTH_URL \(line 9\) has a URL of the old", ()),
    "localhost in the env": (put("NEXTAUTH_URL", "http://localhost:3000"), "env-urls",
                             "fail", r"NEXTAUTH_URL \(line 9\) is a URL of this machine", ()),
    "self-call": (put("API_URL", "http://localhost:3000"), "env-urls", "warn",
                  r"API_URL \(line 9\) is a URL of this machine", ()),
    # package.json
    "no package.json": (remove("package.json"), "package", "fail",
                        r"there is no package\.json", ()),
    "broken package.json": (append("package.json", "}"), "package", "fail",
                            r"package\.json: line 15", ()),
    "no build": (edit("package.json", '"build": "next build",', ""), "package",
                 "warn", r'no script "build"', ()),
    "not a dependency": (edit("package.json", '"jsonwebtoken": "^9.0.2",', ""),
                         "dependencies", "warn", r"jsonwebtoken \(lib/auth\.ts:1\)", ()),
    "no lock file": (remove("package-lock.json"), "lock-file", "fail",
                     r"package-lock\.json is not there", ()),
    "lock file ignored": (append(".gitignore", "package-lock.json\n"), "lock-file",
                          "fail", r"package-lock\.json is left out", ()),
    # README and Dockerfile
    "no README": (remove("README.md"), "readme", "fail", r"no README\.md",
                  ("port",)),
    "no head": (edit("README.md", "---\n", "Hello\n---\n"), "readme", "fail",
                r"does not begin with", ("port",)),
    "no sdk": (edit("README.md", "sdk: docker\n", ""), "readme", "fail",
               r"names no sdk", ()),
    "gradio": (edit("README.md", "sdk: docker", "sdk: gradio"), "readme", "fail",
               r'README\.md:3: sdk is "gradio"', ()),
    "no Dockerfile": (remove("Dockerfile"), "dockerfile", "fail", r"no Dockerfile", ()),
    "no FROM": (lambda c: (c.app / "Dockerfile").write_text("RUN true\n"),
                "dockerfile", "fail", r"no FROM", ()),
    "no CMD": (edit("Dockerfile", 'CMD ["node", "server.js"]\n', ""), "dockerfile",
               "warn", r"neither CMD nor", ()),
    "no app_port": (edit("README.md", "app_port: 3000\n", ""), "port", "fail",
                    r"sets PORT 3000, the Space asks port 7860 \(its default", ()),
    "another PORT": (edit("Dockerfile", "PORT=3000", "PORT=8080"), "port", "fail",
                     r"Dockerfile:\d+ sets PORT 8080, the Space asks port 3000", ()),
    "another EXPOSE": (edit("Dockerfile", "EXPOSE 3000", "EXPOSE 3001/tcp"), "port",
                       "fail", r"^Dockerfile:\d+ does not EXPOSE 3000$", ()),
    "PORT in the env": (put("PORT", "4000"), "port", "fail", r"PORT in the env file", ()),
    "started elsewhere": (
        both(edit("Dockerfile", 'CMD ["node", "server.js"]', 'CMD ["npm", "start"]'),
             edit("package.json", "next start", "next start -p 4000")),
        "port", "fail", r"package\.json starts it on 4000", ()),
    "no USER": (edit("Dockerfile", "USER node\n", ""), "user", "warn", r"sets no USER", ()),
    "another USER": (edit("Dockerfile", "USER node", "USER nextjs"), "user", "warn",
                     r"USER nextjs is not UID 1000", ()),
    "listens on itself": (edit("Dockerfile", '"0.0.0.0"', "127.0.0.1"), "bind",
                          "fail", r"listens on 127\.0\.0\.1 only", ()),
    "no HOSTNAME": (edit("Dockerfile", ' HOSTNAME="0.0.0.0"', ""), "bind", "warn",
                    r"server\.js listens on the address of HOSTNAME", ()),
    # The build
    "no ARG": (edit("Dockerfile", "ARG NEXT_PUBLIC_APP_URL\n", ""), "build-arguments",
               "fail", r"NEXT_PUBLIC_APP_URL \(app/layout\.tsx:3\)", ()),
    "no ARG for an optional one": (
        both(append("lib/ai.ts", "const g = process.env.NEXT_PUBLIC_GA ?? '';\n"),
             put("NEXT_PUBLIC_GA", "G-1")), "build-arguments", "fail",
        r"NEXT_PUBLIC_GA \(env file, line 9\)", ()),
    "secret as ARG": (edit("Dockerfile", "ARG NEXT", "ARG MISTRAL_API_KEY\nARG NEXT"),
                      "build-secrets", "warn", r"ARG MISTRAL_API_KEY", ()),
    "dummy URI in the image": (
        edit("Dockerfile", "ENV NODE_ENV", "ENV MONGODB_URI mongodb://localhost/t\nENV NODE_ENV"),
        "image-values", "fail", r"MONGODB_URI \(Dockerfile:\d+\)", ()),
    "image made from the builder": (
        edit("Dockerfile", "FROM node:20-alpine AS runner", "FROM builder AS runner"),
        "image-values", "fail", r"MONGODB_URI \(Dockerfile:12\)", ()),
    "not standalone": (edit("next.config.js", "output: 'standalone',", ""),
                       "standalone", "fail", r"which next\.config\.js does not make", ()),
    "public not copied": (
        edit("Dockerfile", "COPY --from=builder --chown=node /app/public ./public\n", ""),
        "public-copied", "fail", r"does not copy into the image", ()),
    "image host": (lambda c: c.files("https://cdn.example.org/u"), "image-hosts",
                   "fail", r"will not load from cdn\.example\.org", ()),
    "inlined secret": (
        edit("next.config.js", "  output", "  env: { BREVO_API_KEY: process.env.B },\n  output"),
        "inlined-values", "fail", r"BREVO_API_KEY into the build: the Space's secret",
        ("undefined",)),
    "inlined value": (edit("next.config.js", "  output", "  env: { SITE_NAME: 'x' },\n  output"),
                      "inlined-values", "warn", r"SITE_NAME into the build", ()),
    # The code
    "writes files": (append("lib/db.ts", "fs.writeFile('.data/x.json', '');\n"),
                     "disk-writes", "warn", r"writeFile \(lib/db\.ts:11\)", ()),
    "data on disk": (add(".data/projects.json", '{"a": [1]}'), "disk-data", "warn",
                     r"\.data/projects\.json", ()),
    "uploads left": (add("public/uploads/a.png", "x"), "uploads", "warn",
                     r"public/uploads has 1 files", ()),
    "frame denied": (
        append("middleware.ts", "const h = { key: 'X-Frame-Options', value: 'DENY' };\n"),
        "frames", "warn", r"X-Frame-Options \(middleware\.ts:10\)", ()),
    "frame-ancestors": (append("middleware.ts", "const h = \"frame-ancestors 'self'\";\n"),
                        "frames", "warn", r"frame-ancestors \(middleware\.ts:10\)", ()),
    "lax cookie": (edit(ROUTE, "'none'", "'lax'"), "cookies", "warn",
                   r"sameSite \(app/api/login/route\.ts:10\)", ()),
    "cookie without TLS": (edit(ROUTE, "secure: true", "secure: false"),
                           "cookies-secure", "warn", r"secure: false", ()),
    "cookie dropped": (edit(ROUTE, "    secure: true,\n", ""), "cookies-secure",
                       "warn", r"without secure", ()),
    "cookie for scripts": (edit(ROUTE, "httpOnly: true", "httpOnly: false"),
                           "cookies-script", "warn", r"httpOnly: false", ()),
    "tenant by labels": (
        append("middleware.ts", "export function tenant(host: string) {\n  const p = "
               "host.split('.');\n  return p.length >= 3 ? p[0] : null;\n}\n"),
        "tenant", "warn", r"split\('\.'\) \(middleware\.ts:11\)", ()),
    "idle health route": (
        lambda c: (c.app / "app/api/health/route.ts").write_text(
            "export const GET = () => Response.json({ status: 'ok' });\n"),
        "health-route", "warn", r"app/api/health/route\.ts", ()),
    "fixed localhost": (append("lib/ai.ts", "fetch('http://localhost:3000/api/x');\n"),
                        "localhost", "warn", r"lib/ai\.ts:17", ()),
    # What would be pushed
    "assets ignored": (append(".gitignore", "*.svg\n"), "public-assets", "fail",
                       r"public/logo\.svg", ()),
    "token in a file": (append("lib/ai.ts", f"// {OTHER_TOKEN}\n"), "secrets-in-files",
                        "fail", r"^a Hugging Face token \(lib/ai\.ts:17\)", ()),
    "URI in a file": (add("NOTES.md", "at mongodb+srv://" + "root:Hunter2x@c0.abc.mongodb.net/x\n"),
                      "secrets-in-files", "fail", r"a MongoDB URI with a password \(NOTES", ()),
    "AWS key in a file": (add("deploy.sh", "export K=AKIA" + "QWERTYUIOPASDFGH\n"),
                          "secrets-in-files", "fail", r"an AWS access key \(deploy\.sh:1\)", ()),
    "Stripe key in a file": (add("x.txt", "sk_" + "live_" + "4eC39HqLyjWDarjtT1\n"),
                             "secrets-in-files", "fail", r"a Stripe live key", ()),
    "private key": (add("key.txt", PEM), "secrets-in-files", "fail", r"a private key", ()),
    "env's value in a file": (add("x.txt", f"it is {JWT}, keep it\n"),
                              "secrets-in-files", "fail", r"the value of JWT_SECRET", ()),
    "env file pushed": (
        both(edit(".gitignore", ".env*\n", ""), add(".env.production", f"JWT_SECRET={JWT}\n")),
        "env-files", "fail", r"\.env\.production \(1 secret\)", ()),
    "old URL in a file": (
        append("components/greeting.tsx", "// https://ezia.ai/a and https://ezia.ai/b\n"),
        "old-urls", "warn", r"2 old URLs \(components/greeting\.tsx:4\)", ()),
}


def test_each_condition_by_itself(tmp_path):
    """One change, one check: the others stay as they were."""
    def one(item):
        number, (name, (change, check, verdict, words, others)) = item
        folder = tmp_path / str(number)
        folder.mkdir()
        case = Case(folder)
        change(case)
        rc, checks = case.run()
        found = unwell(checks)
        for other in others:
            found.pop(other, None)
        expected = {} if verdict == "pass" else {check: verdict}
        if found != expected:
            return f"{name}: {found}, not {expected}: " \
                   f"{[(n, checks[n]['seen']) for n in found]}"
        seen = checks[check]
        if not re.search(words, seen["seen"]):
            return f"{name}: {check} saw {seen['seen']!r}, not {words!r}"
        if verdict != "pass" and not seen["remedy"]:
            return f"{name}: {check} has no remedy"
        failed = "fail" in unwell(checks).values()
        if "--files" not in case.args and rc != (1 if failed else 0):
            return f"{name}: exit status {rc}"
        return None

    with ThreadPoolExecutor(2) as pool:
        wrong = [w for w in pool.map(one, enumerate(CASES.items())) if w]
    assert not wrong, "\n".join(wrong)
