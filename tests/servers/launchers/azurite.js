// Azurite in memory, on a free port of the loopback interface; says where, once the container is there.
//
// usage: azurite.js FOLDER_WITH_node_modules CONTAINER ACCOUNT KEY

const crypto = require("crypto");
const [folder, container, account, key] = process.argv.slice(2);

// Azurite makes no container by itself. This one can be read by everybody.
async function createContainer(address) {
  const headers = {
    "x-ms-blob-public-access": "container",
    "x-ms-date": new Date().toUTCString(),
    "x-ms-version": "2021-08-06",
  };
  const signed = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join("");
  // The empty lines are standard headers that this request has not.
  const text = `PUT${"\n".repeat(12)}${signed}/${account}/${account}/${container}\nrestype:container`;
  const signature = crypto.createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
  const answer = await fetch(`${address}/${account}/${container}?restype=container`, {
    method: "PUT",
    headers: { ...headers, Authorization: `SharedKey ${account}:${signature}` },
  });
  if (!answer.ok) throw new Error(`no container: ${answer.status} ${await answer.text()}`);
}

// Only what it prints tells which port it got.
const print = console.log;
console.log = (text, ...more) => {
  const address = /successfully listens on (http:\S+)/.exec(text)?.[1];
  if (!address) return print(text, ...more);
  createContainer(address).then(
    () => print(`listens on ${address}`),
    (why) => {
      print(String(why));
      process.exit(1);
    },
  );
};
process.argv = [
  ...process.argv.slice(0, 2),
  ...["--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"],
];
require(`${folder}/node_modules/azurite/dist/src/blob/main.js`);
