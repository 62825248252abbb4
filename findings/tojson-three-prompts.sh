#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Chat templates print tools with Jinja's tojson, and several programs render the same template with other Jinjas.
# One would guess that JSON of one dictionary is one text. jinja2 3.1.6 sorts keys and escapes non-ASCII and <>&', minijinja 3.1.0
# keeps the order, escapes <>&' and writes 1e-7, and json.dumps(ensure_ascii=False), which the models saw, does none of it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install jinja2==3.1.6 minijinja==3.1.0
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import json
import jinja2, minijinja

tool = {"name": "f", "description": "é & 'x' <y>", "default": 1e-7}
print("jinja2:   ", jinja2.Template("{{ t|tojson }}").render(t=tool))
print("minijinja:", minijinja.Environment().render_str("{{ t|tojson }}", t=tool))
print("json:     ", json.dumps(tool, ensure_ascii=False))
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
jinja2:    {"default": 1e-07, "description": "\u00e9 \u0026 \u0027x\u0027 \u003cy\u003e", "name": "f"}
minijinja: {"name": "f", "description": "é \u0026 \u0027x\u0027 \u003cy\u003e", "default": 1e-7}
json:      {"name": "f", "description": "é & 'x' <y>", "default": 1e-07}
EOF
