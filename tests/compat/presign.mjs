// Prints a URL for each method, signed by the AWS SDK for JavaScript v3.
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [endpoint, Bucket, Key] = process.argv.slice(2);
const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
const commands = { GET: GetObjectCommand, HEAD: HeadObjectCommand, PUT: PutObjectCommand };
const urls = {};
for (const [method, Command] of Object.entries(commands)) {
  urls[method] = await getSignedUrl(client, new Command({ Bucket, Key }), { expiresIn: 300 });
}
console.log(JSON.stringify(urls));
