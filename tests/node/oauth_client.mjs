// An agent without a token: it finds the issuer by the server's own metadata, gets a token there
// and lists the tools. The task on standard input: {"url", "clientId", "clientSecret", "issuer"}
// and "sdk", which is "v1" or "v2". The answer: {"tools": [names]}.
import { text } from "node:stream/consumers";

const task = JSON.parse(await text(process.stdin));

async function load(sdk) {
  if (sdk === "v2") {
    return import("@modelcontextprotocol/client");
  }
  return {
    ...(await import("@modelcontextprotocol/sdk/client/index.js")),
    ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
    ...(await import("@modelcontextprotocol/sdk/client/auth-extensions.js")),
  };
}

const { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } = await load(task.sdk);
const authProvider = new ClientCredentialsProvider({
  clientId: task.clientId,
  clientSecret: task.clientSecret,
  expectedIssuer: task.issuer,
  ...(task.scope ? { scope: task.scope } : {}),
});
const transport = new StreamableHTTPClientTransport(new URL(task.url), { authProvider });
const client = new Client({ name: "portcullis-test-oauth", version: "1.0.0" });
await client.connect(transport);
const { tools } = await client.listTools();
process.stdout.write(JSON.stringify({ tools: tools.map((tool) => tool.name) }) + "\n");
await client.close();
