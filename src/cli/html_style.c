// SPDX-License-Identifier: Apache-2.0
// The look of explain's page: sober, from a phone's width up, light or dark as the reader's system is.
#include "cli/html.h"

// The colours of frames are pairs, rim and fill: six that can be told apart with any kind of sight when
// beside each other, and each frame carries its rule's name.
const char cli_html_style[] =
    ":root{color-scheme:light dark;--page:#f6f7f8;--card:#fff;--ink:#1b1e23;--dim:#5d6570;--line:#dcdfe4;"
    "--wire:#8a929d;--node:#fff;--good:#1a7f37;"
    "--r0:#3b73c4;--f0:#dfeafb;--r1:#b06f10;--f1:#fbeed6;--r2:#23835a;--f2:#dcf3e8;"
    "--r3:#b8436d;--f3:#fbe3ec;--r4:#7656c0;--f4:#ebe5fa;--r5:#187f8c;--f5:#d9f2f4}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#121417;--card:#1a1d21;--ink:#e4e7eb;--dim:#98a1ac;"
    "--line:#30353c;--wire:#7a838f;--node:#22262b;--good:#57c27a;"
    "--r0:#6ea3ee;--f0:#1c2c45;--r1:#dba14a;--f1:#3b2d14;--r2:#5cbd90;--f2:#16352a;"
    "--r3:#e683a8;--f3:#3f1f2c;--r4:#a98dec;--f4:#2b2244;--r5:#55b9c6;--f5:#12343a}}\n"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0 auto;padding:16px;max-width:1240px;background:var(--page);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:22px;line-height:1.25;margin:8px 0 4px}h2{font-size:18px;margin:32px 0 8px}"
    "h3{font-size:14px;margin:0 0 6px;color:var(--dim);font-weight:600}p{margin:4px 0}"
    ".dim{color:var(--dim)}.note{border-left:3px solid var(--r1);padding:4px 10px;margin:12px 0;"
    "background:var(--card)}code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "font-size:.87em}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:16px 0}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}"
    ".card b{display:block;font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}"
    ".card span{color:var(--dim);font-size:13px}.card .saved{color:var(--good);white-space:nowrap}\n"
    ".panel{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;margin:10px 0}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:10px}"
    ".pair .panel{margin:0;min-width:0}.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}\n"
    "table{border-collapse:collapse;width:100%;font-size:14px}th{text-align:left;font-weight:600;"
    "color:var(--dim);font-size:13px}th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:normal}td:last-child,th:last-child{padding-right:0}tr:last-child "
    "td{border-bottom:0}"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "tr.not td{padding-top:0;color:var(--dim);font-size:13px}tr:has(+tr.not) td{border-bottom:0}"
    ".not ul{margin:0;padding-left:32px}.gain{color:var(--good)}h2::first-letter{text-transform:uppercase}\n"
    ".dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px;border:1.5px solid}"
    "details>summary{cursor:pointer;padding:3px 0}details ul{margin:4px 0 "
    "8px;padding-left:18px;font-size:13px}"
    ".kernels>details{border-bottom:1px solid var(--line)}.kernels>details:last-child{border-bottom:0}"
    ".kernels summary{display:flex;flex-wrap:wrap;gap:0 12px;align-items:baseline;list-style:none}"
    ".kernels summary::-webkit-details-marker{display:none}.kernels "
    "summary::before{content:'+';color:var(--dim);"
    "width:8px;font-family:ui-monospace,monospace}.kernels details[open]>summary::before{content:'\\2212'}"
    ".kernels summary .n{margin-left:auto}\n"
    ".joins{font-size:13px;font-weight:600}.swipe{display:none;font-size:13px}\n"
    ".defs{position:absolute}.graph{display:block;margin:0 auto;width:var(--w);height:auto}"
    "svg text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}"
    "svg .op{font-weight:700}svg .us{text-anchor:end;fill:var(--dim)}svg .name{fill:var(--dim)}"
    "svg .node rect{fill:var(--node);stroke:var(--wire)}svg .pill rect{fill:none;stroke:var(--wire);"
    "stroke-dasharray:3 3}svg .wire{fill:none;stroke:var(--wire);stroke-width:1.3;marker-end:url(#tip)}"
    "#tip path{fill:var(--wire)}svg .label{font-weight:700;paint-order:stroke;stroke:var(--card);"
    "stroke-width:4px;stroke-linejoin:round}svg .frame path{fill:none}\n"
#define COLOUR(i)                                                                                         \
  ".rim.c" #i " rect{fill:var(--r" #i ")}.rim.c" #i " path{stroke:var(--r" #i ")}.fill.c" #i              \
  " rect{fill:var(--f" #i ")}.fill.c" #i " path{stroke:var(--f" #i ")}svg .label.c" #i "{fill:var(--r" #i \
  ")}.dot.c" #i "{background:var(--f" #i ");border-color:var(--r" #i ")}\n"
    COLOUR(0) COLOUR(1) COLOUR(2) COLOUR(3) COLOUR(4) COLOUR(5)
#undef COLOUR
        "@media(max-width:560px){body{padding:12px}.panel{padding:10px}h2{margin-top:26px}"
        ".graph{width:min(var(--w),max(100%,calc(var(--w)*.8)))}}\n"
        "@media print{body{max-width:none}.panel,.card{break-inside:avoid}}\n";
