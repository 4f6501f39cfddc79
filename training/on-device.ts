import {
  type AdamW,
  DeviceAdamW,
  type DeviceTensor,
  DeviceTensors,
  type TensorSource,
} from '../engine/index.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';
import type { Trainee } from './trainee.ts';

/** What of a training stays in the device's memory: the decoder's weights, their moments and gradients. */
export class OnDevice {
  /** Where programs find what they are fed. */
  readonly weights: TensorSource;
  private readonly optimizer: DeviceAdamW;
  private readonly frozen: DeviceTensors;
  private readonly trainee: Trainee;

  private constructor(trainee: Trainee, optimizer: DeviceAdamW, frozen: DeviceTensors) {
    this.trainee = trainee;
    this.optimizer = optimizer;
    this.frozen = frozen;
    const { weights } = optimizer;
    this.weights = {
      has: (name) => weights.has(name) || frozen.has(name),
      get: () => undefined,
      onDevice: (name) => weights.onDevice(name) ?? frozen.onDevice(name),
    };
  }

  /** Null where tensors cannot stay on the device between runs: on the processor they are where they are, and CUDA tensors Node does not know. */
  static async open(
    device: Device,
    trainee: Trainee,
    { eps, weightDecay }: TrainConfig,
    host: AdamW,
  ): Promise<OnDevice | null> {
    if (device !== 'webgpu') return null;
    const { parameters, programs, trained, weights } = trainee;
    const frozen = programs.fed.filter((name) => !trained.includes(name));
    const optimizer = await DeviceAdamW.open(parameters, trained, { eps, weightDecay }, host);
    const kept = await DeviceTensors.upload(
      frozen.flatMap((name) => {
        const tensor = weights.get(name);
        return tensor ? [[name, tensor] as const] : [];
      }),
    );
    return new OnDevice(trainee, optimizer, kept);
  }

  /** Takes the results of a run that stayed on the device: gradients named `grad.<parameter>`. */
  accumulate(results: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    return this.optimizer.accumulate(
      new Map([...results].map(([name, tensor]) => [name.replace(/^grad\./, ''), tensor])),
    );
  }

  sumOfSquares(): Promise<number> {
    return this.optimizer.sumOfSquares();
  }

  step(options: { learningRate: number; scale: number }): Promise<void> {
    return this.optimizer.step(options);
  }

  /** Brings weights and moments to the host's parameters and optimizer, for a checkpoint or the end. */
  download(host: AdamW): Promise<void> {
    return this.optimizer.download(this.trainee.parameters, host);
  }

  async release(): Promise<void> {
    await this.frozen.release();
    await this.optimizer.release();
  }
}
