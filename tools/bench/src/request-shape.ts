/** The load of every measurement but those that say another one. */
export const requestShape = { labelsPerSeries: 14, seriesPerRequest: 2000, samplesPerSeries: 1 };
export const requestConnections = 4;
export const requestText = `One sample of each of 2,000 series of 14 labels in a request, ${requestConnections} connections; the load generator shares the machine.`;
