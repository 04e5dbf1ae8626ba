// Actions of AWS's SDK for JavaScript: node with_javascript.mjs NODE_MODULES ACTION ... --then ACTION ...
import { createReadStream, createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

let [modules, ...words] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const { S3Client, ...sdk } = load("@aws-sdk/client-s3");
const s3 = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true });

async function read(input, target) {
  const answer = await s3.send(new sdk.GetObjectCommand(input));
  await pipeline(answer.Body, createWriteStream(target));
}

const actions = {
  get: (Bucket, Key, target) => read({ Bucket, Key }, target),
  range: (Bucket, Key, first, last, target) => read({ Bucket, Key, Range: `bytes=${first}-${last}` }, target),
  async size(Bucket, Key) {
    console.log((await s3.send(new sdk.HeadObjectCommand({ Bucket, Key }))).ContentLength);
  },
  async keys(Bucket, Prefix) {
    const answer = await s3.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }));
    console.log(JSON.stringify((answer.Contents ?? []).map((each) => each.Key)));
  },
  async presigned(Bucket, Key) {
    const { getSignedUrl } = load("@aws-sdk/s3-request-presigner");
    console.log(await getSignedUrl(s3, new sdk.GetObjectCommand({ Bucket, Key })));
  },
  async put(Bucket, Key, source) {
    const ContentLength = (await stat(source)).size;
    await s3.send(new sdk.PutObjectCommand({ Bucket, Key, Body: createReadStream(source), ContentLength }));
  },
};

while (words.length) {
  const end = words.includes("--then") ? words.indexOf("--then") : words.length;
  await actions[words[0]](...words.slice(1, end));
  words = words.slice(end + 1);
}
