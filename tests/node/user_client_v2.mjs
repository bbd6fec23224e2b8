// An agent with a user who is shown links, on @modelcontextprotocol/client 2.x.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { bearer } from "./one_agent.mjs";
import { ask, readLine, runCall } from "./one_user.mjs";

const task = await readLine();
const transport = new StreamableHTTPClientTransport(new URL(task.url), bearer(task));
const client = new Client(
  { name: "portcullis-test-user-v2", version: "1.0.0" },
  { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: task.mode } },
);
client.setRequestHandler("elicitation/create", (request) => ask(request.params));
await client.connect(transport);
await client.listTools();
await runCall(client, task.call);
await client.close();
