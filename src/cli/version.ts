// The version, as in package.json (a test compares them): a constant, because reading a file costs a start-up 0.2 ms.
export const VERSION = "0.1.0";
