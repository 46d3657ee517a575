// s3rver on a free port of the loopback interface; says where, once the bucket is there.
//
// usage: s3rver.js FOLDER_WITH_node_modules BUCKET FOLDER_FOR_OBJECTS

const [folder, bucket, directory] = process.argv.slice(2);
const S3rver = require(`${folder}/node_modules/s3rver`);

const options = { address: "127.0.0.1", port: 0, silent: false, directory, configureBuckets: [{ name: bucket }] };
new S3rver(options).run((why, at) => {
  if (why) throw why;
  console.log(`listens on http://127.0.0.1:${at.port}`);
});
