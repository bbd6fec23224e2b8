// What the client scripts share: read the task, make the calls, print one JSON object.
//
// The task comes on standard input: {"url", "token", "mode"?, "calls": [{"name", "arguments"}]}.
// The answer is {"protocol", "tools": [names], "results": [{"isError", "text", "meta"} |
// {"error": {"code", "message"}}]}; a call that the client library refuses is a result too.
import { text } from "node:stream/consumers";

export async function readTask() {
  return JSON.parse(await text(process.stdin));
}

export function bearer(task) {
  return { requestInit: { headers: { Authorization: `Bearer ${task.token}` } } };
}

export function result(answer) {
  const texts = answer.content.filter((block) => block.type === "text");
  return {
    isError: answer.isError === true,
    text: texts.map((block) => block.text).join("\n"),
    meta: answer._meta ?? {},
  };
}

export function failure(error) {
  return { error: { code: error.code ?? null, message: String(error.message) } };
}

async function called(client, call) {
  try {
    return result(await client.callTool({ name: call.name, arguments: call.arguments }));
  } catch (error) {
    return failure(error);
  }
}

export async function runTask(client, task, protocol) {
  const { tools } = await client.listTools();
  const results = [];
  for (const call of task.calls) {
    results.push(await called(client, call));
  }
  const answer = { protocol: protocol(), tools: tools.map((tool) => tool.name), results };
  process.stdout.write(JSON.stringify(answer) + "\n");
}
