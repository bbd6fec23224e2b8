// An agent with a user who is shown links, on @modelcontextprotocol/sdk 1.x.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { bearer } from "./one_agent.mjs";
import { ask, readLine, runCall } from "./one_user.mjs";

const task = await readLine();
const transport = new StreamableHTTPClientTransport(new URL(task.url), bearer(task));
const client = new Client(
  { name: "portcullis-test-user-v1", version: "1.0.0" },
  { capabilities: { elicitation: { url: {} } } },
);
client.setRequestHandler(ElicitRequestSchema, (request) => ask(request.params));
await client.connect(transport);
await client.listTools();
await runCall(client, task.call);
await transport.terminateSession();
await client.close();
