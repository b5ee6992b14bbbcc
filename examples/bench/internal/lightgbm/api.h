// The part of LightGBM's C API that is used here, since <LightGBM/c_api.h> is C++ since version 4.
// api.cpp includes both, so that the compiler finds a declaration that differs.
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
const char *LGBM_GetLastError();
int LGBM_DatasetCreateFromMat(const void *data, int data_type, int32_t nrow, int32_t ncol, int is_row_major, const char *parameters, void *const reference, void **out);
int LGBM_DatasetSetField(void *handle, const char *field_name, const void *field_data, int num_element, int type);
int LGBM_DatasetFree(void *handle);
int LGBM_BoosterCreate(void *const train_data, const char *parameters, void **out);
int LGBM_BoosterLoadModelFromString(const char *model_str, int *out_num_iterations, void **out);
int LGBM_BoosterFree(void *handle);
int LGBM_BoosterUpdateOneIter(void *handle, int *is_finished);
int LGBM_BoosterSaveModelToString(void *handle, int start_iteration, int num_iteration, int feature_importance_type, int64_t buffer_len, int64_t *out_len, char *out_str);
int LGBM_BoosterCalcNumPredict(void *handle, int num_row, int predict_type, int start_iteration, int num_iteration, int64_t *out_len);
int LGBM_BoosterPredictForMat(void *handle, const void *data, int data_type, int32_t nrow, int32_t ncol, int is_row_major, int predict_type, int start_iteration, int num_iteration, const char *parameter, int64_t *out_len, double *out_result);
int LGBM_BoosterPredictForMatSingleRowFastInit(void *handle, const int predict_type, const int start_iteration, const int num_iteration, const int data_type, const int32_t ncol, const char *parameter, void **out_fastConfig);
int LGBM_BoosterPredictForMatSingleRowFast(void *fastConfig_handle, const void *data, int64_t *out_len, double *out_result);
int LGBM_FastConfigFree(void *fastConfig);
#ifdef __cplusplus
}
#endif
