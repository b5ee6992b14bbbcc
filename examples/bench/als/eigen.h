#ifdef __cplusplus
extern "C"
#endif
// eigen_als trains for some epochs, items first, from the vectors x of the users, which it
// replaces, and returns the loss. y is memory for the vectors of the items. All interactions
// have one confidence, all other pairs 1.
double eigen_als(int users, int items, const int *start, const int *index, int d, int epochs, float confidence, float lambda, float *x, float *y);
