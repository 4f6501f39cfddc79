import { describe, expect, it } from 'vitest';
import { consequenceOf, problemIn } from '../../../models/endpoint/problem.ts';

const e = (message: string, more: object = {}) => ({ error: { message, ...more } });
/** Which server or what, its body, the status, and what follows; several where either will do, 'null' where there is no error. */
const rows: [string, unknown, number, string][] = [
  [
    'openai key',
    e('Incorrect API key provided: sk-x.', { type: 'invalid_request_error', code: 'invalid_api_key' }),
    401,
    'key',
  ],
  [
    'openai model',
    e('The model `gpt-9` does not exist or you do not have access to it.', {
      type: 'invalid_request_error',
      code: 'model_not_found',
    }),
    404,
    'not_found',
  ],
  [
    'openai quota',
    e('You exceeded your current quota, please check your plan and billing details.', {
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    }),
    429,
    'quota',
  ],
  [
    'openai rate',
    e(
      'Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.',
      { type: 'tokens', code: 'rate_limit_exceeded' },
    ),
    429,
    'too_many',
  ],
  [
    'openai rate too large',
    e(
      'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 40000. The input or output tokens must be reduced in order to run successfully.',
      { type: 'tokens', code: 'rate_limit_exceeded' },
    ),
    429,
    'impossible',
  ],
  [
    'openai max tokens',
    e(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { type: 'invalid_request_error', param: 'max_tokens', code: 'unsupported_parameter' },
    ),
    400,
    'refused',
  ],
  [
    'openai temperature',
    e(
      "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
      { type: 'invalid_request_error', param: 'temperature', code: 'unsupported_value' },
    ),
    400,
    'refused',
  ],
  [
    'openai logprobs',
    e('You are not allowed to request logprobs from this model', { type: 'invalid_request_error' }),
    403,
    'refused',
  ],
  [
    'openai ctx',
    e(
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
      { type: 'invalid_request_error', code: 'context_length_exceeded' },
    ),
    400,
    'impossible',
  ],
  [
    'openai image',
    e('Invalid image data.', { type: 'invalid_request_error', code: 'invalid_image' }),
    400,
    'impossible',
  ],
  [
    'openai image 2',
    e('You uploaded an unsupported image. Please make sure your image is valid.', {
      type: 'invalid_request_error',
      code: 'invalid_image_format',
    }),
    400,
    'impossible',
  ],
  [
    'openai image 3',
    e('Image is too small. Must be at least 28x28.', { code: 'image_parse_error' }),
    400,
    'impossible',
  ],
  [
    'openai policy',
    e('Your input image may contain content that is not allowed by our safety system.', {
      code: 'content_policy_violation',
    }),
    400,
    'filtered',
  ],
  [
    'openai server',
    e('The server had an error while processing your request. Sorry about that!', { type: 'server_error' }),
    500,
    'again',
  ],
  [
    'openai overloaded',
    e('The engine is currently overloaded, please try again later', { type: 'server_error' }),
    503,
    'again',
  ],
  [
    'openai billing',
    e('Your account is not active, please check your billing details on our website.', {
      type: 'billing_not_active',
      code: 'billing_not_active',
    }),
    429,
    'quota',
  ],
  [
    'openai country',
    e('Country, region, or territory not supported', {
      code: 'unsupported_country_region_territory',
      type: 'request_forbidden',
    }),
    403,
    'key',
  ],
  [
    'openai room',
    e(
      'Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.',
      { type: 'invalid_request_error' },
    ),
    400,
    'cut_off',
  ],
  [
    'openai room2',
    e(
      'max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.',
      { type: 'invalid_request_error', param: 'max_tokens', code: 'invalid_value' },
    ),
    400,
    'too_much_room',
  ],
  [
    'openai min',
    e(
      "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead.",
      { code: 'integer_below_min_value', param: 'max_output_tokens' },
    ),
    400,
    'refused',
  ],
  [
    'openai ip',
    e('Your IP address is not authorized to access this API', { code: 'ip_not_authorized' }),
    401,
    'key',
  ],
  [
    'openai images unsupported',
    e('Invalid content type. image_url is only supported by certain models.', {
      type: 'invalid_request_error',
      param: 'messages.[0].content.[0].type',
    }),
    400,
    'refused',
  ],
  [
    'azure filter',
    e("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", {
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { hate: { filtered: true } },
      },
    }),
    400,
    'filtered',
  ],
  ['azure jailbreak', e('The response was filtered', { code: 'content_filter' }), 400, 'filtered'],
  [
    'azure deployment',
    e('The API deployment for this resource does not exist.', { code: 'DeploymentNotFound' }),
    404,
    'not_found',
  ],
  [
    'azure key',
    {
      statusCode: 401,
      message: 'Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired.',
    },
    401,
    'key',
  ],
  [
    'azure key2',
    e('Access denied due to invalid subscription key or wrong API endpoint.', { code: '401' }),
    401,
    'key',
  ],
  [
    'azure rate',
    e(
      'Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current pricing tier. Please retry after 6 seconds.',
      { code: '429' },
    ),
    429,
    'too_many',
  ],
  [
    'azure apim quota',
    { statusCode: 403, message: 'Out of call volume quota. Quota will be replenished in 00:05:00.' },
    403,
    'quota',
  ],
  ['azure timeout', e('The operation was timeout.', { code: 'Timeout' }), 408, 'again'],
  [
    'azure no capacity',
    e('The system is currently experiencing high demand', { code: 'NoCapacity' }),
    503,
    'again',
  ],
  [
    'vllm ctx',
    {
      object: 'error',
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4984 in the messages, 16 in the completion). Please reduce the length of the messages or completion.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    400,
    'impossible',
  ],
  [
    'vllm ctx2',
    {
      object: 'error',
      message:
        'The decoder prompt (length 5021) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal tokens.',
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'impossible',
  ],
  [
    'vllm ctx3',
    e(
      "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 tokens and your request has 300 input tokens (4096 > 4096 - 300).",
      { type: 'BadRequestError', code: 400 },
    ),
    400,
    'too_much_room|impossible',
  ],
  [
    'vllm images',
    {
      object: 'error',
      message: 'At most 1 image(s) may be provided in one request.',
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'refused',
  ],
  [
    'vllm images 0',
    {
      object: 'error',
      message: 'At most 0 image(s) may be provided in one prompt.',
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'refused',
  ],
  [
    'vllm not multimodal',
    { object: 'error', message: 'llama is not a multimodal model', type: 'BadRequestError', code: 400 },
    400,
    'refused',
  ],
  [
    'vllm logprobs',
    {
      object: 'error',
      message: 'Requested sample logprobs of 20, which is greater than max allowed: 5',
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'refused',
  ],
  [
    'vllm model',
    {
      object: 'error',
      message: 'The model `m` does not exist.',
      type: 'NotFoundError',
      param: null,
      code: 404,
    },
    404,
    'not_found',
  ],
  ['vllm 404', { detail: 'Not Found' }, 404, 'not_found'],
  ['vllm 500', 'x', 500, 'null'],
  [
    'vllm internal',
    { object: 'error', message: 'Internal server error', type: 'InternalServerError', code: 500 },
    500,
    'again',
  ],
  [
    'vllm engine dead',
    e('EngineCore encountered an issue. See stack trace (above) for the root cause.', {
      type: 'InternalServerError',
      code: 500,
    }),
    500,
    'again',
  ],
  [
    'vllm image',
    {
      object: 'error',
      message: 'cannot identify image file <_io.BytesIO object at 0x7f>',
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'impossible',
  ],
  [
    'vllm image 500',
    {
      object: 'error',
      message: 'Failed to load image: image file is truncated (3 bytes not processed)',
      code: 500,
    },
    500,
    'impossible',
  ],
  [
    'vllm image aspect',
    { object: 'error', message: 'absolute aspect ratio must be smaller than 200, got 300.0', code: 400 },
    400,
    'impossible',
  ],
  [
    'vllm image factor',
    { object: 'error', message: 'height:10 and width:10 must be larger than factor:28', code: 400 },
    400,
    'impossible',
  ],
  [
    'vllm template',
    {
      object: 'error',
      message:
        'As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.',
      code: 400,
    },
    400,
    'refused',
  ],
  ['llamacpp loading', e('Loading model', { code: 503, type: 'unavailable_error' }), 503, 'again'],
  [
    'llamacpp ctx',
    e('the request exceeds the available context size, try increasing it', {
      code: 400,
      type: 'exceed_context_size_error',
      n_prompt_tokens: 600,
      n_ctx: 512,
    }),
    400,
    'impossible',
  ],
  [
    'llamacpp image',
    e('image input is not supported - hint: if this is unexpected, you may need to provide the mmproj', {
      code: 500,
      type: 'server_error',
    }),
    500,
    'refused',
  ],
  [
    'llamacpp image load',
    e('Failed to load image or audio file', { code: 400, type: 'invalid_request_error' }),
    400,
    'impossible',
  ],
  ['llamacpp key', e('Invalid API Key', { code: 401, type: 'authentication_error' }), 401, 'key'],
  ['llamacpp slots', e('no slot available', { code: 503, type: 'unavailable_error' }), 503, 'again'],
  ['llamacpp 404', e('File Not Found', { code: 404, type: 'not_found_error' }), 404, 'not_found'],
  [
    'llamacpp input too large',
    e('input is too large to process. increase the physical batch size', { code: 500, type: 'server_error' }),
    500,
    'impossible',
  ],
  [
    'ollama model',
    e('model "x" not found, try pulling it first', { type: 'api_error', code: null, param: null }),
    404,
    'not_found',
  ],
  [
    'ollama vision',
    e('this model is missing data required for image input', { type: 'invalid_request_error' }),
    400,
    'refused',
  ],
  [
    'ollama runner',
    e('llama runner process has terminated: exit status 2', { type: 'api_error' }),
    500,
    'again',
  ],
  [
    'ollama memory',
    e('model requires more system memory (8.4 GiB) than is available (4.0 GiB)', { type: 'api_error' }),
    500,
    'refused|again',
  ],
  [
    'ollama image',
    e('illegal base64 data at input byte 4', { type: 'invalid_request_error' }),
    400,
    'impossible|refused',
  ],
  [
    'ollama busy',
    e('server busy, please try again.  maximum pending requests exceeded', { type: 'api_error' }),
    503,
    'again',
  ],
  [
    'tgi ctx',
    {
      error:
        'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2040 `inputs` tokens and 16 `max_new_tokens`',
      error_type: 'validation',
    },
    422,
    'impossible',
  ],
  [
    'tgi inputs',
    {
      error: 'Input validation error: `inputs` must have less than 1024 tokens. Given: 2040',
      error_type: 'validation',
    },
    422,
    'impossible',
  ],
  ['tgi overloaded', { error: 'Model is overloaded', error_type: 'overloaded' }, 429, 'too_many'],
  [
    'tgi top',
    {
      error: 'Input validation error: `top_n_tokens` must be >= 0 and <= 5. Given: 20',
      error_type: 'validation',
    },
    422,
    'refused',
  ],
  [
    'tgi generation',
    { error: 'Request failed during generation: Server error: CUDA out of memory', error_type: 'generation' },
    424,
    'again',
  ],
  [
    'tgi template',
    { error: 'Template error: template not found', error_type: 'template_error' },
    422,
    'refused',
  ],
  ['hf loading', { error: 'Model HF/x is currently loading', estimated_time: 20 }, 503, 'again'],
  ['hf auth', { error: 'Invalid username or password.' }, 401, 'key'],
  [
    'hf credit',
    {
      error:
        'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.',
    },
    402,
    'quota',
  ],
  ['lmstudio', { error: 'Unexpected endpoint or method. (POST /chat/completions)' }, 200, 'not_found'],
  [
    'lmstudio no model',
    e('No models loaded. Please load a model in the developer page or use the `lms load` command.', {
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    }),
    404,
    'not_found',
  ],
  [
    'lmstudio crash',
    { error: 'The model has crashed without additional information. (Exit code: 18446744072635810000)' },
    400,
    'again',
  ],
  ['lmstudio unloaded', { error: 'Model unloaded.' }, 400, 'again|refused'],
  [
    'lmstudio vision',
    { error: 'Model does not support images. Please use a model that does.' },
    400,
    'refused',
  ],
  [
    'lmstudio ctx',
    {
      error:
        'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input',
    },
    400,
    'impossible',
  ],
  [
    'lmstudio ctx2',
    {
      error:
        'Reached context length of 4096 tokens with model (arch: llama) that does not currently support mid-generation context overflow.',
    },
    200,
    'impossible',
  ],
  [
    'openrouter 402',
    e('Insufficient credits. Add more using https://openrouter.ai/settings/credits', { code: 402 }),
    402,
    'quota',
  ],
  [
    'openrouter afford',
    e(
      'This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 16.',
      { code: 402 },
    ),
    402,
    'quota',
  ],
  [
    'openrouter no ep',
    e('No endpoints found that support image input', { code: 404 }),
    404,
    'refused|not_found',
  ],
  [
    'openrouter provider',
    e('Provider returned error', {
      code: 400,
      metadata: { raw: '{"error":{"message":"Invalid image"}}', provider_name: 'X' },
    }),
    400,
    'impossible',
  ],
  [
    'openrouter provider 429',
    e('Provider returned error', {
      code: 429,
      metadata: {
        raw: 'model is temporarily rate-limited upstream. Please retry shortly',
        provider_name: 'X',
      },
    }),
    429,
    'too_many',
  ],
  ['openrouter 200 502', e('Provider returned error', { code: 502 }), 200, 'again'],
  [
    'openrouter mod',
    e('Your chosen model requires moderation and your input was flagged', {
      code: 403,
      metadata: { reasons: ['violence'], flagged_input: 'x' },
    }),
    403,
    'filtered',
  ],
  ['openrouter key', e('No auth credentials found', { code: 401 }), 401, 'key'],
  ['openrouter user', e('User not found.', { code: 401 }), 401, 'key'],
  [
    'openrouter privacy',
    e('No endpoints found matching your data policy (Paid model training).', { code: 404 }),
    404,
    'not_found',
  ],
  [
    'openrouter daily',
    e('Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day', {
      code: 429,
      metadata: { headers: { 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0' } },
    }),
    429,
    'too_many|quota',
  ],
  [
    'openrouter key limit',
    e('Key limit exceeded. Manage it using https://openrouter.ai/settings/keys', { code: 403 }),
    403,
    'quota',
  ],
  [
    'gemini key',
    [
      {
        error: {
          code: 400,
          message: 'API key not valid. Please pass a valid API key.',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'key',
  ],
  [
    'gemini key missing',
    [
      {
        error: { code: 400, message: 'Missing or invalid Authorization header.', status: 'INVALID_ARGUMENT' },
      },
    ],
    400,
    'key',
  ],
  [
    'gemini expired',
    [
      {
        error: {
          code: 400,
          message: 'API key expired. Please renew the API key.',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'key',
  ],
  [
    'gemini suspended',
    [
      {
        error: {
          code: 403,
          message: 'Permission denied: Consumer has been suspended.',
          status: 'PERMISSION_DENIED',
        },
      },
    ],
    403,
    'key',
  ],
  [
    'gemini quota',
    [
      {
        error: {
          code: 429,
          message:
            'You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: generate_content_free_tier_requests, limit: 15 Please retry in 20.5s.',
          status: 'RESOURCE_EXHAUSTED',
        },
      },
    ],
    429,
    'too_many',
  ],
  [
    'gemini 503',
    [
      {
        error: {
          code: 503,
          message: 'The model is overloaded. Please try again later.',
          status: 'UNAVAILABLE',
        },
      },
    ],
    503,
    'again',
  ],
  [
    'gemini img',
    [
      {
        error: {
          code: 400,
          message:
            'Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'impossible',
  ],
  [
    'gemini logprobs',
    [
      {
        error: {
          code: 400,
          message: 'Logprobs is not enabled for models/gemini',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'refused',
  ],
  [
    'gemini field',
    [
      {
        error: {
          code: 400,
          message: 'Invalid JSON payload received. Unknown name "top_logprobs": Cannot find field.',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'refused',
  ],
  [
    'gemini tokens',
    [
      {
        error: {
          code: 400,
          message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    400,
    'impossible',
  ],
  [
    'gemini location',
    [
      {
        error: {
          code: 400,
          message: 'User location is not supported for the API use.',
          status: 'FAILED_PRECONDITION',
        },
      },
    ],
    400,
    'refused|key',
  ],
  [
    'gemini model',
    [
      {
        error: {
          code: 404,
          message: 'models/x is not found for API version v1main, or is not supported for generateContent.',
          status: 'NOT_FOUND',
        },
      },
    ],
    404,
    'not_found',
  ],
  [
    'anthropic overload',
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    529,
    'again',
  ],
  [
    'anthropic credit',
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message:
          'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      },
    },
    400,
    'quota',
  ],
  [
    'anthropic policy',
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'Output blocked by content filtering policy' },
    },
    400,
    'filtered',
  ],
  [
    'anthropic image',
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message:
          'messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes',
      },
    },
    400,
    'impossible',
  ],
  [
    'anthropic image 2',
    { type: 'error', error: { type: 'invalid_request_error', message: 'Could not process image' } },
    400,
    'impossible',
  ],
  [
    'anthropic long',
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 208310 tokens > 200000 maximum' },
    },
    400,
    'impossible',
  ],
  [
    'anthropic large',
    { type: 'error', error: { type: 'request_too_large', message: 'Request exceeds the maximum size' } },
    413,
    'impossible',
  ],
  [
    'anthropic ctx+max',
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message:
          'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again',
      },
    },
    400,
    'impossible',
  ],
  [
    'anthropic key',
    { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } },
    401,
    'key',
  ],
  [
    'anthropic usage',
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message:
          'You have reached your specified API usage limits. You will regain access on 2026-01-01 at 00:00 UTC.',
      },
    },
    400,
    'quota',
  ],
  [
    'anthropic rate',
    {
      type: 'error',
      error: {
        type: 'rate_limit_error',
        message: 'Number of request tokens has exceeded your per-minute rate limit',
      },
    },
    429,
    'too_many',
  ],
  [
    'sglang ctx',
    {
      object: 'error',
      message: "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
      type: 'BadRequestError',
      code: 400,
    },
    400,
    'impossible',
  ],
  [
    'sglang ctx2',
    {
      error: {
        message:
          "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4984 tokens from the input messages and 16 tokens for the completion.",
      },
    },
    400,
    'impossible',
  ],
  [
    'sglang queue',
    { object: 'error', message: 'The request queue is full.', type: 'Service Unavailable', code: 503 },
    503,
    'again',
  ],
  [
    'litellm ctx',
    e(
      "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens",
      { type: null, code: '400' },
    ),
    400,
    'impossible',
  ],
  [
    'litellm filter',
    e('litellm.ContentPolicyViolationError: AzureException - The response was filtered', { code: '400' }),
    400,
    'filtered',
  ],
  [
    'litellm key',
    e('Authentication Error, Invalid proxy server token passed. Received API Key = sk-x', {
      type: 'token_not_found_in_db',
      param: 'key',
      code: '401',
    }),
    401,
    'key',
  ],
  [
    'litellm budget',
    e('Budget has been exceeded! Current cost: 1.2, Max budget: 1.0', {
      type: 'budget_exceeded',
      code: '400',
    }),
    400,
    'quota',
  ],
  [
    'litellm params',
    e(
      "litellm.UnsupportedParamsError: bedrock does not support parameters: ['logprobs', 'top_logprobs'], for model=x. To drop these, set `litellm.drop_params=True`",
      { code: '400' },
    ),
    400,
    'refused',
  ],
  [
    'litellm model',
    e(
      '/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.',
      { code: '400' },
    ),
    400,
    'not_found',
  ],
  [
    'litellm timeout',
    e('litellm.Timeout: APITimeoutError - Request timed out.', { code: '408' }),
    408,
    'again',
  ],
  [
    'litellm conn',
    e('litellm.APIConnectionError: Ollama_chatException - Cannot connect to host', { code: '500' }),
    500,
    'again',
  ],
  ['litellm guard', e('Violated guardrail policy', { type: 'None', code: '400' }), 400, 'filtered'],
  [
    'deepseek risk',
    e('Content Exists Risk', { type: 'invalid_request_error', code: 'invalid_request_error' }),
    400,
    'filtered',
  ],
  [
    'deepseek balance',
    e('Insufficient Balance', { type: 'unknown_error', code: 'invalid_request_error' }),
    402,
    'quota',
  ],
  [
    'deepseek logprobs',
    e('deepseek-reasoner does not support the parameter `logprobs`', { type: 'invalid_request_error' }),
    400,
    'refused',
  ],
  [
    'deepseek image',
    e(
      'Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text` at line 1 column 84',
      { type: 'invalid_request_error' },
    ),
    400,
    'refused',
  ],
  ['deepseek key', e('Authentication Fails (no such user)', { type: 'authentication_error' }), 401, 'key'],
  [
    'deepseek max',
    e('Invalid max_tokens value, the valid range of max_tokens is [1, 8192]', {
      type: 'invalid_request_error',
    }),
    400,
    'too_much_room',
  ],
  [
    'qwen inspect',
    e('Input data may contain inappropriate content.', {
      type: 'data_inspection_failed',
      code: 'data_inspection_failed',
    }),
    400,
    'filtered',
  ],
  [
    'qwen output',
    e('Output data may contain inappropriate content.', { code: 'data_inspection_failed' }),
    400,
    'filtered',
  ],
  [
    'qwen len',
    e('<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]', {
      type: 'invalid_request_error',
      code: 'invalid_parameter_error',
    }),
    400,
    'impossible',
  ],
  [
    'qwen max',
    e('<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 2048]', {
      code: 'invalid_parameter_error',
    }),
    400,
    'too_much_room',
  ],
  [
    'qwen image',
    e(
      '<400> InternalError.Algo.InvalidParameter: The image length and width do not meet the model restrictions. [height:2 or width:2 must be larger than 10]',
      { code: 'invalid_parameter_error' },
    ),
    400,
    'impossible',
  ],
  [
    'qwen arrear',
    e('Access denied, please make sure your account is in good standing.', {
      type: 'Arrearage',
      code: 'Arrearage',
    }),
    400,
    'quota',
  ],
  [
    'qwen key',
    e('Incorrect API key provided. ', { type: 'invalid_request_error', code: 'invalid_api_key' }),
    401,
    'key',
  ],
  [
    'qwen throttle',
    e('Requests rate limit exceeded, please try again later.', {
      type: 'limit_requests',
      code: 'limit_requests',
    }),
    429,
    'too_many',
  ],
  [
    'qwen free quota',
    e(
      'The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the "use free tier only" mode',
      { type: 'AllocationQuota.FreeTierOnly', code: 'AllocationQuota.FreeTierOnly' },
    ),
    403,
    'quota',
  ],
  [
    'qwen stream',
    e('This model only support stream mode, please enable the stream parameter to access the model. ', {
      type: 'invalid_request_error',
    }),
    400,
    'refused',
  ],
  [
    'mistral 422',
    {
      object: 'error',
      message: {
        detail: [
          {
            type: 'extra_forbidden',
            loc: ['body', 'logprobs'],
            msg: 'Extra inputs are not permitted',
            input: true,
          },
        ],
      },
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
    422,
    'refused',
  ],
  ['mistral key', { message: 'Unauthorized', request_id: 'x' }, 401, 'key'],
  ['mistral key2', { detail: 'Unauthorized' }, 401, 'key'],
  [
    'mistral rate',
    {
      object: 'error',
      message: 'Service tier capacity exceeded for this model.',
      type: 'service_tier_capacity_exceeded',
      code: '3505',
    },
    429,
    'too_many',
  ],
  ['mistral rate2', { message: 'Requests rate limit exceeded' }, 429, 'too_many'],
  [
    'mistral long',
    {
      object: 'error',
      message:
        'Prompt contains 140000 tokens and 0 draft tokens, too large for model with 131072 maximum context length',
      type: 'invalid_request_prompt',
      code: '3051',
    },
    400,
    'impossible',
  ],
  [
    'mistral image',
    { object: 'error', message: 'Image content is not supported for this model', code: '3002' },
    400,
    'refused',
  ],
  [
    'mistral model',
    { object: 'error', message: 'Invalid model: x', type: 'invalid_model', param: null, code: '1500' },
    400,
    'not_found',
  ],
  [
    'groq rate',
    e(
      'Rate limit reached for model in organization on tokens per minute (TPM): Limit 6000, Used 5900, Requested 200.',
      { type: 'tokens', code: 'rate_limit_exceeded' },
    ),
    429,
    'too_many',
  ],
  [
    'groq large',
    e(
      'Request too large for model `x` in organization `y` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 7000',
      { type: 'tokens', code: 'rate_limit_exceeded' },
    ),
    413,
    'impossible',
  ],
  [
    'groq logprobs',
    e('`logprobs` is not supported with this model', { type: 'invalid_request_error' }),
    400,
    'refused',
  ],
  ['groq 498', e('Flex tier capacity exceeded', { code: 'capacity_exceeded' }), 498, 'again'],
  ['cloudflare 520', e('x'), 520, 'again'],
  ['cloudflare 524', e('A timeout occurred'), 524, 'again'],
  [
    'together',
    {
      id: 'x',
      error: {
        message: 'Invalid request. Input validation error: logprobs must be <= 1',
        type: 'invalid_request_error',
        param: 'logprobs',
        code: null,
      },
    },
    422,
    'refused',
  ],
  [
    'together balance',
    e('Credit limit exceeded, please navigate to https://api.together.xyz/settings/billing', {
      type: 'credit_limit',
      code: null,
    }),
    402,
    'quota',
  ],
  [
    'fireworks',
    {
      error: {
        object: 'error',
        type: 'invalid_request_error',
        message: 'The prompt is too long: 9000, model maximum context length: 8192',
      },
    },
    400,
    'impossible',
  ],
  ['minimax', { base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }, 200, 'quota'],
  ['minimax rate', { base_resp: { status_code: 1002, status_msg: 'rate limit' } }, 200, 'too_many'],
  [
    'minimax key',
    { base_resp: { status_code: 1004, status_msg: 'login fail: Please carry the API secret key' } },
    200,
    'key',
  ],
  [
    'minimax sensitive',
    { base_resp: { status_code: 1026, status_msg: 'input new_sensitive' } },
    200,
    'filtered',
  ],
  [
    'glm',
    e(
      '系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。',
      { code: '1301' },
    ),
    400,
    'filtered',
  ],
  ['glm balance', e('余额不足或无可用资源包,请充值。', { code: '1113' }), 429, 'quota'],
  ['glm rate', e('您当前使用该API的并发数过高，请降低并发', { code: '1302' }), 429, 'too_many'],
  ['glm key', e('身份验证失败。', { code: '1000' }), 401, 'key'],
  ['baidu', { error_code: 17, error_msg: 'Open api daily request limit reached' }, 200, 'quota|too_many'],
  ['bedrock', { message: 'The security token included in the request is invalid.' }, 403, 'key'],
  ['bedrock throttle', { message: 'Too many requests, please wait before trying again.' }, 429, 'too_many'],
  [
    'bedrock too many 200',
    { message: 'Too many requests, please wait before trying again.' },
    200,
    'too_many',
  ],
  ['nginx 502', undefined, 502, 'null'],
  ['kong', { message: 'no Route matched with those values' }, 404, 'not_found'],
  [
    'fastapi 422',
    { detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required' }] },
    422,
    'refused',
  ],
  ['django', { errors: ['Server error'] }, 500, 'again'],
  [
    'rfc7807',
    { type: 'about:blank', title: 'Too Many Requests', status: 429, detail: 'slow down' },
    429,
    'too_many',
  ],
  ['200 string 429', { error: 'Too Many Requests' }, 200, 'too_many'],
  ['200 rate', { error: { message: 'Rate limit exceeded, retry later' } }, 200, 'too_many'],
  ['200 overloaded', { error: 'Model is overloaded' }, 200, 'again'],
  ['200 key', { error: { message: 'Invalid API key' } }, 200, 'key'],
  ['200 model', { error: { message: 'model not found' } }, 200, 'not_found'],
  ['200 ctx', { error: { message: 'context length exceeded' } }, 200, 'impossible'],
  ['200 filter', { error: { message: 'The content was blocked by a safety filter' } }, 200, 'filtered'],
  ['perplexity', e('Invalid model', { type: 'invalid_model', code: 400 }), 400, 'not_found'],
  [
    'xai',
    { code: 'Client specified an invalid argument', error: 'Model not found: grok-9' },
    400,
    'not_found',
  ],
  [
    'xai key',
    {
      code: 'Client specified an invalid argument',
      error: 'Incorrect API key provided: sk***. You can obtain an API key from https://console.x.ai.',
    },
    400,
    'key',
  ],
  [
    'xai credits',
    {
      code: 'The caller does not have permission to execute the specified operation',
      error:
        "Your newly created teams doesn't have any credits yet. You can purchase credits on https://console.x.ai",
    },
    403,
    'quota',
  ],
  ['xai content', { code: 'Forbidden', error: 'Content violates usage guidelines.' }, 403, 'filtered'],
];
describe('what follows from an error of', () => {
  it.each(rows)('%s', (_, body, status, expected) => {
    const problem = problemIn(body, status);
    expect(expected.split('|')).toContain(problem ? consequenceOf(problem) : 'null');
  });
});
