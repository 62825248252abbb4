#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A call that goes back into a conversation has its arguments as a JSON string in OpenAI's API. One would guess that models'
# templates take that, and that one argument is one text in the templates of one maker. Those of Qwen3, 3.5 and 3.6 (as trl
# 1.16.0 has them): a string is put in as it is by the first and an error of the others, which want an object; true and null
# are those of JSON in 3 and 3.6, and Python's True and None in 3.5, which a reader of its answers must expect too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install jinja2==3.1.6
"$dir/venv/bin/pip" -q install --no-deps trl==1.16.0
"$dir/venv/bin/python" - "$dir" >"$dir/seen" <<'EOF'
import glob, json, sys
import jinja2

def render(name, arguments):
    path, = glob.glob(sys.argv[1] + "/venv/lib/*/site-packages/trl/chat_templates/" + name + ".jinja")
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    env.filters["tojson"] = lambda x: json.dumps(x, ensure_ascii=False)  # as transformers has it
    call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    try:
        text = env.from_string(open(path).read()).render(messages=messages)
        return repr(text[text.index("<tool_call>"):text.index("</tool_call>")])
    except TypeError as e:
        return "TypeError: %s" % e

for name in "qwen3", "qwen3_5_think", "qwen3_6":
    print(name, "string:", render(name, '{"a": true}'))
    print(name, "object:", render(name, {"a": True, "b": None}))
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
qwen3 string: '<tool_call>\n{"name": "f", "arguments": {"a": true}}\n'
qwen3 object: '<tool_call>\n{"name": "f", "arguments": {"a": true, "b": null}}\n'
qwen3_5_think string: TypeError: Can only get item pairs from a mapping.
qwen3_5_think object: '<tool_call>\n<function=f>\n<parameter=a>\nTrue\n</parameter>\n<parameter=b>\nNone\n</parameter>\n</function>\n'
qwen3_6 string: TypeError: Can only get item pairs from a mapping.
qwen3_6 object: '<tool_call>\n<function=f>\n<parameter=a>\ntrue\n</parameter>\n<parameter=b>\nnull\n</parameter>\n</function>\n'
EOF
