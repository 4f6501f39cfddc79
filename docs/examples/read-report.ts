// Reads the JSON of a report that the command line wrote: node read-report.js .modality-guard/runs/…/report.json
import { readReport } from 'modality-guard';

const report = await readReport(process.argv[2] ?? 'report.json');
if ('rollout' in report) {
  console.log(`${report.workflowId}: ${report.rollout.outcome}`);
} else {
  console.log(`${report.workflowId}: ${report.verdict}`);
  for (const { condition, name, verdict } of report.gates) console.log(`${verdict} ${name} (${condition})`);
}
