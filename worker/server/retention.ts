import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { withoutProxy } from './proxy.ts';

/** How long a server of our own keeps what is over: it begins with one day. */
export const retentionDays = 365;
const wanted = retentionDays * 24 * 60 * 60;
const ofTheSystem = 'temporal-system';

/** Lets every namespace of a server of our own keep closed workflows for long; one that keeps them longer stays. */
export async function keepLong(address: string): Promise<void> {
  const connection = await Connection.connect({ address, channelArgs: withoutProxy });
  try {
    const { namespaces } = await connection.workflowService.listNamespaces({ pageSize: 100 });
    for (const { config, namespaceInfo } of namespaces) {
      const name = namespaceInfo?.name;
      const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
      if (!name || name === ofTheSystem || seconds >= wanted) continue;
      await connection.workflowService.updateNamespace({
        namespace: name,
        config: { workflowExecutionRetentionTtl: msToTs(wanted * 1000) },
      });
    }
  } finally {
    await connection.close();
  }
}
