// An agent on @modelcontextprotocol/client 2.x; the task's mode is "legacy" or "auto".
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { bearer, readTask, runTask } from "./one_agent.mjs";

const task = await readTask();
const transport = new StreamableHTTPClientTransport(new URL(task.url), bearer(task));
const client = new Client(
  { name: "portcullis-test-client-v2", version: "1.0.0" },
  { versionNegotiation: { mode: task.mode } },
);
await client.connect(transport);
await runTask(client, task, () => client.getNegotiatedProtocolVersion());
await client.close();
