/** Colours: before is a grey, after a blue, so that they differ in lightness and hue for every kind of colour vision. */
const palette = `
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#14181d;--muted:#59636f;--line:#e3e6ea;--grid:#e9ecef;
--before:#98a2ad;--before-ink:#5c6672;--after:#1456b8;--after-soft:#a9c6ee;--pass:#12703f;--pass-bg:#e3f4ea;--fail:#a8261b;--fail-bg:#fdeae7;
--open:#7d5500;--open-bg:#fdf1d3;--whisker:#14181d;--note-bg:#eef2f8}
@media (prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#171b21;--ink:#e8ebef;--muted:#9ba6b3;--line:#2a3139;--grid:#252b33;
--before:#76818e;--before-ink:#a7b1bd;--after:#6ea8fb;--after-soft:#2f4a70;--pass:#6fd39d;--pass-bg:#143323;--fail:#ff9c8f;--fail-bg:#42201c;
--open:#e9c25a;--open-bg:#3a2f12;--whisker:#f4f6f8;--note-bg:#1b222c}}
`;

const base = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:56px 32px 72px}
h1,h2,h3,p,figure,dl,dd,ol,ul,blockquote{margin:0;padding:0}
h1{font-size:clamp(1.55rem,1.1rem + 1.9vw,2.35rem);line-height:1.2;letter-spacing:-.022em;font-weight:650;text-wrap:balance;max-width:30em}
h2{font-size:1.45rem;line-height:1.25;letter-spacing:-.015em;font-weight:650}
h3{font-size:1rem;line-height:1.35;font-weight:600}
code{font:.84em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.eyebrow{font-size:.78rem;font-weight:600;letter-spacing:.09em;text-transform:uppercase;color:var(--after)}
.subject{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--muted);margin:6px 0 22px}
.subject strong{color:var(--ink);font-weight:600}
.note{color:var(--muted);font-size:.85rem;line-height:1.45}
.lead{color:var(--muted);max-width:46em;margin:8px 0 22px;text-wrap:pretty}
.lead strong{color:var(--ink);font-weight:600}
section{margin-top:64px}
nav{margin-top:34px;padding:12px 0;border-block:1px solid var(--line)}
nav ul{display:flex;flex-wrap:wrap;gap:6px 24px;list-style:none;font-size:.9rem}
ul.note{padding-left:1.2em;margin-top:8px}
a{color:var(--after);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--after);outline-offset:2px;border-radius:4px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(225px,1fr));gap:14px;margin:32px 0 18px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px;display:flex;flex-direction:column;gap:6px}
.tile dt{font-size:.85rem;color:var(--muted);line-height:1.35}
.tile strong{display:block;font-size:1.4rem;line-height:1.25;font-weight:650;letter-spacing:-.02em;white-space:nowrap}
.tile .was,.tile .arrow{color:var(--muted);font-weight:500}
.tile .note{display:block;margin-top:4px}
.disclaimer{background:var(--note-bg);border-left:3px solid var(--after);border-radius:0 8px 8px 0;padding:12px 16px;font-size:.92rem;text-wrap:pretty}
footer{margin-top:64px;padding-top:20px;border-top:1px solid var(--line);color:var(--muted);font-size:.88rem}
`;

const charts = `
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;min-width:0}
.card figcaption{margin-bottom:14px}
.columns{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:18px;align-items:start}
.columns>:only-child{grid-column:1/-1}
.panels{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:18px}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;list-style:none;margin-bottom:14px;font-size:.87rem;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:8px}
.chart{display:block;overflow:visible}.lines{margin-top:26px}
.stack{display:grid;gap:18px;min-width:0}
.chart text{fill:var(--ink);font-size:13px}
.chart .note,.chart .tick{fill:var(--muted);font-size:11.5px}
.chart .second{font-size:11px}
.chart .label{font-weight:500}.chart .note{font-weight:400}
.chart .number{font-size:12px;font-weight:600}
.chart .number.before{fill:var(--before-ink);font-weight:500}.chart .number.after{fill:var(--after)}
.grid{stroke:var(--grid);stroke-width:1}
.bar.before{fill:var(--before)}.bar.after{fill:var(--after)}
.whisker line{stroke:var(--whisker);stroke-width:1.25;opacity:.75}
.line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.line.before{stroke:var(--before-ink)}.line.after{stroke:var(--after)}
.line.faint{stroke:var(--after-soft);stroke-width:1.25}
.line.dashed{stroke-dasharray:7 5}.line.dotted{stroke-dasharray:.5 5.5}.line.dotdash{stroke-dasharray:9 5 .5 5}.line.longdash{stroke-dasharray:15 6}.line.dotdotdash{stroke-dasharray:9 5 .5 5 .5 5}
.dot{stroke-width:2;fill:var(--card)}
.dot.before{stroke:var(--before-ink)}.dot.after{stroke:var(--after);fill:var(--after)}
.link{stroke:var(--before);stroke-width:2}
.axis{font-size:.78rem;line-height:1.4;color:var(--muted);text-align:center;margin-top:6px}
`;

const tables = `
.figures{margin-top:14px;font-size:.87rem}
.panels+.figures{margin-top:18px}
summary{cursor:pointer;color:var(--muted);width:fit-content}summary:hover{color:var(--ink)}
.scroll{overflow-x:auto;margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:.84rem;line-height:1.4}
caption{text-align:left;color:var(--muted);padding-bottom:8px}
th,td{padding:7px 14px 7px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:middle}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--muted);font-weight:500;white-space:nowrap}
tbody th{font-weight:500}
.num{text-align:right;white-space:nowrap}
.digest{display:block;min-width:36ch;font-size:.74rem;overflow-wrap:normal;word-break:break-all}
.reasons{list-style:disc;padding-left:1.1em;font-size:.93rem;max-width:52em}.reasons li{margin:3px 0;text-wrap:pretty}.reasons li::marker{color:var(--muted)}
.facts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:10px 28px;margin:0 0 30px}.facts code{font-size:.74rem}
.facts dt{font-size:.8rem;color:var(--muted)}
.timeline+.facts{margin-top:22px}
.records{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:36px;margin-bottom:30px;align-items:start}
.records>div:empty{display:none}
.time{display:block;min-width:60px}
`;

const rollout = `
.badge{display:inline-block;white-space:nowrap;border-radius:999px;padding:1px 10px;font-size:.78rem;font-weight:600;line-height:1.6}
.badge.pass{color:var(--pass);background:var(--pass-bg)}.badge.fail{color:var(--fail);background:var(--fail-bg)}
.badge.inconclusive,.badge.automatic{color:var(--open);background:var(--open-bg)}.badge.plain{color:var(--muted);background:var(--grid);font-weight:500}
.timeline{list-style:none}
.stage{position:relative;padding:0 0 30px 30px}
.stage:before{content:"";position:absolute;left:0;top:6px;width:13px;height:13px;border-radius:50%;background:var(--bg);border:3px solid var(--open);z-index:1}
.stage.pass:before{border-color:var(--pass)}.stage.fail:before{border-color:var(--fail);background:var(--fail)}
.stage:not(:last-child):after{content:"";position:absolute;left:6px;top:14px;bottom:-8px;border-left:1px solid var(--line)}
.stage-head{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:4px}
.stage h3{font-size:1.05rem}
.stage>p{max-width:52em;font-size:.93rem;text-wrap:pretty}
.approval{margin-top:6px;color:var(--muted)}
.stage .figures{margin-top:6px}.stage .scroll{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px 6px}
.stage tbody th{white-space:nowrap}
.stage tbody tr:last-child>*{border-bottom:0}
.interval{display:block}
.interval .demand{stroke:var(--fail);stroke-dasharray:2 2;stroke-width:1.25}.interval .span{stroke:var(--after);stroke-width:2}
`;

const examples = `
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:18px}
.exhibit{display:flex;gap:16px;margin:14px 0;align-items:flex-start}
.exhibit>p,blockquote{min-width:0;overflow-wrap:anywhere}
.picture{flex:none;width:112px;height:112px;border-radius:8px;object-fit:contain;background:#000;image-rendering:pixelated;border:1px solid var(--line)}
.picture.none{display:grid;place-items:center;background:none;border-style:dashed;color:var(--muted);font-size:.8rem}
blockquote{border-left:3px solid var(--open);padding-left:10px;font-size:.87rem;line-height:1.45;margin:0 0 14px;color:var(--muted)}
.question{font-size:.95rem;line-height:1.45}
.options{list-style:none;font-size:.88rem}
.options li{display:flex;gap:10px;align-items:baseline;padding:5px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.options .right{font-weight:600}
.letter{color:var(--muted);font-weight:500;flex:none}
.tags{margin-left:auto;display:flex;gap:5px;flex:none}
.tag{border-radius:5px;padding:0 7px;font-size:.74rem;font-weight:600;line-height:1.65}
.tag.right{color:var(--pass);background:var(--pass-bg)}.tag.before{border:1px solid var(--before);color:var(--before-ink);line-height:1.5}
.tag.after{background:var(--after);color:var(--card)}
`;

const showcase = `
.showcase{margin-top:26px;display:flex;flex-wrap:wrap;gap:20px 28px;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;align-items:flex-start}
.showcase>div:last-child{flex:1 1 420px;min-width:0;overflow-wrap:anywhere}
.showcase p{max-width:58em;text-wrap:pretty}.showcase p+p{margin-top:8px}
.case-words{font-size:1.12rem;line-height:1.5;font-weight:550}
.showcase h2{font-size:.95rem;margin:16px 0 4px;letter-spacing:0}
.showcase ul{padding-left:1.15em}.showcase li{margin:3px 0;max-width:58em;text-wrap:pretty}
.exhibits{display:flex;flex-wrap:wrap;gap:14px;flex:0 1 auto;min-width:0}
.exhibits img{display:block;width:200px;max-width:100%;max-height:260px;object-fit:contain;border-radius:8px;border:1px solid var(--line);background:var(--grid);image-rendering:auto}
.exhibits figcaption{max-width:200px;margin-top:5px}
`;

const cases = `
#case-filters{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:12px 16px;margin-bottom:12px}
#case-filters label{display:flex;flex-direction:column;gap:3px;font-size:.8rem;color:var(--muted);min-width:0}
#case-filters label[hidden]{display:none}
#case-filters select,#case-filters input{font:inherit;font-size:.9rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:8px;padding:7px 9px;width:100%;min-width:0}
.cases{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:18px;margin-top:12px}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;margin:12px 0}
.side{min-width:0;overflow-wrap:anywhere}
.side h4{margin:0 0 8px;font-size:.8rem;font-weight:600;color:var(--muted)}
.shot{display:block;margin:0 0 8px;cursor:zoom-in;overflow:auto;max-height:220px;border-radius:8px;border:1px solid var(--line);background:var(--grid);text-align:center}
.shot img{display:block;width:100%;height:auto;max-height:218px;object-fit:contain;margin:0 auto}
.shot img.small{image-rendering:pixelated;min-height:112px}
.shot.none{cursor:auto;background:none;border-style:dashed;color:var(--muted);font-size:.8rem;padding:28px 8px}
.side.changed .shot{border:3px solid var(--open)}
mark{background:var(--open-bg);color:var(--open);border-radius:3px;padding:0 2px}
.beside{font-size:.87rem;line-height:1.45;margin:6px 0;white-space:pre-wrap}
.cases .beside{max-height:10.5em;overflow:auto}
.said{margin-top:8px;font-size:.92rem}.side .note+.said{margin-top:0}
.shares{color:var(--muted);font-size:.78rem;white-space:nowrap}p.shares{text-align:right;white-space:normal}
.tag.hint{color:var(--open);background:var(--open-bg)}
button{font:inherit;font-size:.87rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:8px;padding:5px 12px;cursor:pointer}
button:hover{border-color:var(--muted)}
.open{margin-top:12px}.more{display:block;margin:20px auto 0}.more[hidden]{display:none}
dialog{width:min(1200px,96vw);max-width:none;height:94vh;max-height:none;padding:0;border:1px solid var(--line);border-radius:12px;background:var(--card);color:var(--ink);overflow:hidden}
dialog[open]{display:flex;flex-direction:column}
dialog::backdrop{background:rgba(0,0,0,.55)}
.bar{display:flex;flex-wrap:wrap;gap:8px;align-items:center;padding:12px 16px;border-bottom:1px solid var(--line)}
.bar .gap{flex:1}
#case-stage{flex:1;overflow:auto;padding:16px 20px 24px}
#case-stage .shot{max-height:70vh}#case-stage .shot img{max-height:50vh}#case-stage.zoomed .shot img{max-height:none}
`;

const media = `
@media (max-width:860px){.columns,.records{grid-template-columns:minmax(0,1fr)}.panels{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:560px){main{padding:32px 18px 48px}section{margin-top:48px}.card{padding:16px 16px}.panels{gap:12px}.tile strong{font-size:1.25rem}
.chart .long{display:none}.facts,.pair{grid-template-columns:minmax(0,1fr)}.examples{grid-template-columns:minmax(0,1fr)}}
@media (max-width:400px){.chart .between{display:none}}
@page{margin:14mm}
@media print{html{font-size:12px}:root{--bg:#fff}body{font-size:12px}.scroll{overflow:visible}table{font-size:10px}th,td{padding:3px 8px 3px 0}.stage tbody th{white-space:normal}.interval{width:80px}.digest{font-size:8px}
.tiles{grid-template-columns:repeat(4,1fr)}.tile strong{font-size:1.1rem}.examples{grid-template-columns:repeat(3,minmax(0,1fr))}.panels{grid-template-columns:repeat(4,minmax(0,1fr))}.exhibit{flex-direction:column}main{max-width:none;padding:0}nav,#case-filters,.open,.more,dialog{display:none}.cases{grid-template-columns:repeat(2,minmax(0,1fr))}.cases .beside{max-height:none}section{margin-top:28pt}
.card,.tile,.stage,.example,.case,tr,p,.legend{break-inside:avoid}h2,.lead,.legend{break-after:avoid}
details.figures::details-content{content-visibility:visible;display:block}summary{display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;

/** The report's whole style sheet. It loads nothing. */
export const styleSheet = [palette, base, charts, tables, rollout, examples, showcase, cases, media]
  .join('')
  .trim();
