// What the client scripts with a user share: show a link, wait for the user's word, go on.
//
// Standard input has one line for the task, {"url", "token", "mode"?, "call": {"name", "arguments"}},
// then one for each link that is shown, {"action": "accept" | "decline" | "cancel"}. Standard output
// has a line {"asked": {"url", "message"}} for each link, and at the end {"result": …} with what
// one_agent.mjs says of one call.
import { createInterface } from "node:readline";
import { failure, result } from "./one_agent.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function readLine() {
  return JSON.parse((await lines.next()).value);
}

function tell(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}

export async function ask({ url, message }) {
  tell({ asked: { url, message } });
  return readLine();
}

// An error that asks for links (-32042) is shown link by link; then the call is made once more.
async function called(client, call) {
  try {
    return result(await client.callTool(call));
  } catch (error) {
    if (!error.elicitations) {
      return failure(error);
    }
    for (const elicitation of error.elicitations) {
      await ask(elicitation);
    }
    return called(client, call);
  }
}

export async function runCall(client, call) {
  tell({ result: await called(client, call) });
  process.stdin.destroy();
}
