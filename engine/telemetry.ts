/**
 * ONNX Runtime's packages report to their maker unless this stands in the environment before they are loaded: names of models,
 * hashes of their graphs, the machine. `0` leaves it to them. A thread has what its process had when it was loaded.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';
