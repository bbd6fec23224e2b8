// An agent on @modelcontextprotocol/sdk 1.x, which speaks the handshake revisions.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { bearer, readTask, runTask } from "./one_agent.mjs";

const task = await readTask();
const transport = new StreamableHTTPClientTransport(new URL(task.url), bearer(task));
const client = new Client({ name: "portcullis-test-sdk-v1", version: "1.0.0" });
await client.connect(transport);
await runTask(client, task, () => transport.protocolVersion);
await transport.terminateSession();
await client.close();
